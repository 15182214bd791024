/* x87 and SSE registers survive time slices and system calls: sums whose every step is checked, long enough to be preempted. */
#include <stdio.h>
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
    printf("%.0f %.0Lf wrong %d\n", sse_sum, x87_sum, wrong);
    return 0;
}
