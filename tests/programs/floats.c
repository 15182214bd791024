/* x87 and SSE registers survive time slices and system calls: sums whose every step is checked, long enough to be preempted. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
    double sse_sum = 0;
    long double x87_sum = 0;
    int wrong = 0;
    for (int i = 1; i <= 3000000; i++) {
        double step;
        __asm__ volatile("cvtsi2sd %1, %%xmm3\n\tmovsd %%xmm3, %0" : "=m"(step) : "r"(i) : "xmm3");
        sse_sum += step;
        x87_sum += i;
        if (i % 100000 == 0) {
            double kept;
            __asm__ volatile("movsd %1, %%xmm7\n\tmov %2, %%eax\n\tint $0x80\n\tmovsd %%xmm7, %0" : "=m"(kept) : "m"(sse_sum), "i"(20) : "eax", "xmm7", "memory");
            wrong += kept != sse_sum;
        }
    }
    /* And page faults, in which the kernel itself borrows the first two: a page cleared, a page copied. */
    static char data[200 * 4096] = {1};
    char *fresh = mmap(NULL, 200 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 200; i++) {
        double in[2] = {i + 0.5, i * 3.0}, out[2];
        __asm__ volatile("movsd %2, %%xmm0\n\tmovsd %3, %%xmm1\n\tmovb $1, %4\n\tmovb $2, %5\n\tmovsd %%xmm0, %0\n\tmovsd %%xmm1, %1"
                         : "=m"(out[0]), "=m"(out[1]) : "m"(in[0]), "m"(in[1]), "m"(fresh[i * 4096]), "m"(data[i * 4096 + 8]) : "xmm0", "xmm1", "memory");
        wrong += out[0] != in[0] || out[1] != in[1];
    }
    printf("%.0f %.0Lf wrong %d\n", sse_sum, x87_sum, wrong);
    return 0;
}
