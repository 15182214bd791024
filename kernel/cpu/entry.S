# Into the kernel and out of it. Layout of what is saved: kernel/cpu/trap_frame.hpp. Who is called: kernel/cpu/trap.hpp.
#
# The kernel's ds and es are the flat user data segment, which nearly every program has loaded anyway. So the segment
# registers are only compared on the way in and out, and loaded out of line when a program has put something of its own
# there (a segment load reads a descriptor: ten times the cost of a compare). fs and gs are not touched at all: the
# kernel does not use them. ss was set by the processor. Every entry does this whatever it interrupts, so an exception
# or interrupt may come between any two instructions here.

.set USER_DATA, 0x23
.set FRAME_DS, 4                        # kernel/cpu/trap_frame.hpp
.set FRAME_ES, 0
.set FRAME_CS, 52
.set HANDLER_SYSTEM_CALL, 0             # kernel/cpu/trap.cpp
.set HANDLER_BEFORE_USER, 12

.macro SAVE
    pushal
    pushl %ds
    pushl %es
    cmpw $USER_DATA, FRAME_DS(%esp)
    jne .Lload\@
    cmpw $USER_DATA, FRAME_ES(%esp)
    jne .Lload\@
.Lloaded\@:
    cld
    .pushsection .text.entry_slow, "ax"
.Lload\@:
    movl $USER_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    jmp .Lloaded\@
    .popsection
.endm

.macro RESTORE_AND_RETURN
    cmpw $USER_DATA, FRAME_DS(%esp)
    jne restore_segments
    cmpw $USER_DATA, FRAME_ES(%esp)
    jne restore_segments
    addl $8, %esp                       # es, ds
    popal
    addl $8, %esp                       # vector, error
    iretl
.endm

.section .text.entry, "ax"

# int 0x80: a trap gate, interrupts stay on.
.global enter_system_call
.balign 16
enter_system_call:
    pushl $0
    pushl $0x80
    SAVE
    movl %esp, %eax
    call *quire_trap_handlers + HANDLER_SYSTEM_CALL

# Also where a new process starts (kernel/cpu/context.cpp), esp at its frame.
.global return_to_user_mode
return_to_user_mode:
    cli                                 # nothing may ask for work between the test and the return
    cmpb $0, quire_user_work
    jne user_work
    RESTORE_AND_RETURN

user_work:
    movb $0, quire_user_work
    sti
    movl %esp, %eax
    call *quire_trap_handlers + HANDLER_BEFORE_USER
    jmp return_to_user_mode

# #PF: an interrupt gate, so that CR2 is read before another fault can change it.
.global enter_page_fault
.balign 16
enter_page_fault:
    pushl $14
    SAVE
    movl %esp, %eax
    movl %cr2, %edx
    call quire_page_fault
    testb $3, FRAME_CS(%esp)
    jnz return_to_user_mode
    RESTORE_AND_RETURN

.balign 16
enter_other:
    SAVE
    movl %esp, %eax
    call quire_dispatch_trap
    testb $3, FRAME_CS(%esp)
    jnz return_to_user_mode
    RESTORE_AND_RETURN

# A program's own ds or es. Loading one faults when its descriptor has gone; it becomes the null selector then.
restore_segments:
1:  popl %es
2:  popl %ds
    popal
    addl $8, %esp
    iretl
3:  movl $0, (%esp)
    jmp 1b
4:  movl $0, (%esp)
    jmp 2b
    .pushsection .fixups, "a"
    .long 1b, 3b
    .long 2b, 4b
    .popsection

# Vectors 0..47, 16 bytes each. The processor pushes an error code for 8, 10..14, 17, 21, 29 and 30 (SDM volume 3,
# table 6-1).
.global quire_trap_stubs
.balign 16
quire_trap_stubs:
.set vector, 0
.rept 48
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    pushl $0
    .endif
    pushl $vector
    jmp enter_other
    .set vector, vector + 1
.endr
    .balign 16

# The double fault has a task of its own: everything comes from its task state, nothing from the broken stack.
.global enter_double_fault
enter_double_fault:
    cld
    call quire_double_fault
5:  hlt
    jmp 5b

# switch_context(Context& from, const Context& to): what the C calling convention lets a function change is dead here.
.global switch_context
.balign 16
switch_context:
    movl 4(%esp), %eax
    movl 8(%esp), %edx
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %esp, (%eax)
    movl (%edx), %esp
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

# Where a new kernel task starts: ebx = entry, esi = argument.
.global start_kernel_task
start_kernel_task:
    pushl %esi
    call *%ebx
    ud2                                 # entry must not return

.section .note.GNU-stack, "", @progbits
