/* What a program finds when it starts: arguments, environment, auxiliary vector, the alignment of its stack. */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

int main(int argc, char **argv, char **envp) {
    for (int i = 0; i < argc; i++) printf("argv[%d] = <%s>\n", i, i == 0 ? strrchr(argv[0], '/') : argv[i]);
    printf("argv ends: %d\n", argv[argc] == NULL);
    printf("environment before arguments: %d\n", (char *)envp > (char *)argv);
    printf("QUIRE_TEST = %s\n", getenv("QUIRE_TEST") ? getenv("QUIRE_TEST") : "(none)");
    printf("page %lu, random %d, secure %lu, headers %d\n", getauxval(AT_PAGESZ), getauxval(AT_RANDOM) != 0, getauxval(AT_SECURE), getauxval(AT_PHNUM) > 0);
    printf("name %s\n", strcmp((char *)getauxval(AT_EXECFN), "") ? "given" : "empty");
    static int zeroes[5000];
    int sum = 0;
    for (int i = 0; i < 5000; i++) sum += zeroes[i];
    printf("bss %d\n", sum);
    double aligned = 1.5;
    printf("stack aligned %d, %.2f\n", (uintptr_t)__builtin_frame_address(0) % 8 == 0, aligned);
    return argc;
}
