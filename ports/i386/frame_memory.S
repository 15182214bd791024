/* Clearing and copying a frame with the SSE registers, a third of the instructions that string instructions take. These
   registers belong to programs (the kernel is compiled without them), so what is borrowed is put back. CR4.OSFXSR is on;
   boot has checked that the processor has SSE. Both addresses are page aligned. */

    .section .text.quire_clear_frame, "ax"
    .global quire_clear_frame
    .type quire_clear_frame, @function
    /* void quire_clear_frame(void* frame), regparm(1): eax */
quire_clear_frame:
    subl $16, %esp
    movups %xmm0, (%esp)
    xorps %xmm0, %xmm0
    movl $16, %ecx
1:
    .set offset, 0
    .rept 16
    movaps %xmm0, offset(%eax)
    .set offset, offset + 16
    .endr
    addl $256, %eax
    decl %ecx
    jnz 1b
    movups (%esp), %xmm0
    addl $16, %esp
    ret
    .size quire_clear_frame, . - quire_clear_frame

    .section .text.quire_copy_frame, "ax"
    .global quire_copy_frame
    .type quire_copy_frame, @function
    /* void quire_copy_frame(void* to, const void* from), regparm(2): eax, edx */
quire_copy_frame:
    subl $32, %esp
    movups %xmm0, (%esp)
    movups %xmm1, 16(%esp)
    movl $16, %ecx
1:
    .set offset, 0
    .rept 8
    movaps offset(%edx), %xmm0
    movaps offset + 16(%edx), %xmm1
    movaps %xmm0, offset(%eax)
    movaps %xmm1, offset + 16(%eax)
    .set offset, offset + 32
    .endr
    addl $256, %edx
    addl $256, %eax
    decl %ecx
    jnz 1b
    movups 16(%esp), %xmm1
    movups (%esp), %xmm0
    addl $32, %esp
    ret
    .size quire_copy_frame, . - quire_copy_frame

    .section .note.GNU-stack, "", @progbits
