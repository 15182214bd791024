/* Where things lie in this kernel's address space (quire/quire.h, part 1), in pages.
 *
 *   0x0000'0000  the kernel itself, 4 MiB, as in physical memory; the same in every space
 *   0x0040'0000  programs
 *   0xC000'0000  windows onto frames: the first pages of one table
 *   0xC040'0000  kernel memory
 *   0xFEC0'0000  the list of kernel memory
 *   0xFF80'0000  the list of the active space
 *   0xFFC0'0000  the tables of the active space: its directory is its own last table */
#define QUIRE_PAGES_PER_TABLE 1024
#define QUIRE_USER_FIRST 0x00400
#define QUIRE_USER_END 0xC0000
#define QUIRE_KERNEL_FIRST 0xC0400
#define QUIRE_KERNEL_END 0xFEC00
#define QUIRE_NODES_FIRST 0xFEC00
#define QUIRE_NODES_END 0xFF000
#define QUIRE_LIST_FIRST 0xFF800
#define QUIRE_LIST_END 0xFFC00
