/* Files in the initial file system: everything between open and rename. Run in a directory of its own. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void result(const char *what, long value) {
    if (value < 0) printf("%s: %s\n", what, strerror(errno));
    else printf("%s: %ld\n", what, value);
}

static int compare(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void list(const char *path) {
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, compare);
    printf("%s:", path);
    for (int i = 0; i < n; i++) printf(" %s/%d", entries[i]->d_name, entries[i]->d_type);
    printf("\n");
}

int main(void) {
    char buffer[64] = "";
    if (mkdir("quire-files", 0755) < 0 || chdir("quire-files") < 0) return 1;
    umask(022);
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0666);
    result("create again", open("a", O_RDWR | O_CREAT | O_EXCL, 0666));
    result("write", write(fd, "hello world\n", 12));
    result("seek", lseek(fd, 6, SEEK_SET));
    result("read", read(fd, buffer, 5));
    printf("<%s>\n", buffer);
    result("seek beyond", lseek(fd, 10000, SEEK_SET));
    result("write there", write(fd, "x", 1));
    struct stat st;
    fstat(fd, &st);
    printf("size %ld, mode %o, links %d\n", (long)st.st_size, st.st_mode, (int)st.st_nlink);
    result("hole", pread(fd, buffer, 1, 5000));
    printf("%d\n", buffer[0]);
    result("negative seek", lseek(fd, -1, SEEK_SET));
    struct iovec pieces[3] = {{"one", 3}, {"", 0}, {"three", 5}};
    lseek(fd, 0, SEEK_SET);
    result("writev", writev(fd, pieces, 3));
    result("truncate", ftruncate(fd, 4));
    lseek(fd, 0, SEEK_SET);
    result("read", read(fd, buffer, sizeof buffer));
    result("read at the end", read(fd, buffer, sizeof buffer));
    printf("%.4s\n", buffer);

    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[0] = 'O';
    pread(fd, buffer, 4, 0);
    printf("shared mapping: %.4s, behind the end: %d\n", buffer, map[100]);
    char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    private[1] = 'N';
    pread(fd, buffer, 4, 0);
    printf("private mapping: %.4s and %.4s\n", private, buffer);
    int readable = open("a", O_RDONLY);
    result("shared and writable of a read-only file", (long)mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, readable, 0));
    result("write to it", write(readable, "x", 1));

    result("link", link("a", "b"));
    result("symlink", symlink("b", "c"));
    result("readlink", readlink("c", buffer, sizeof buffer));
    result("mkdir", mkdir("d", 0700));
    result("mkdir again", mkdir("d", 0700));
    result("rename", rename("b", "d/b"));
    result("follow a dead link", open("c", O_RDONLY));
    result("open a directory for writing", open("d", O_WRONLY));
    result("rmdir full", rmdir("d"));
    result("unlink a directory", unlink("d") < 0 && (errno == EISDIR || errno == EPERM) ? 0 : -1);
    list(".");
    list("d");
    result("unlink", unlink("a"));
    result("open file lives on", fstat(fd, &st) == 0 ? (long)st.st_nlink : -1);
    result("unlink", unlink("d/b"));
    result("still readable", pread(fd, buffer, 4, 0));
    result("append", (fd = open("log", O_WRONLY | O_APPEND | O_CREAT, 0600)));
    write(fd, "ab", 2);
    lseek(fd, 0, SEEK_SET);
    write(fd, "cd", 2);
    stat("log", &st);
    printf("size %ld, mode %o\n", (long)st.st_size, st.st_mode);
    int copy = dup(fd);
    result("dup shares its place", write(copy, "e", 1) + lseek(fd, 0, SEEK_CUR));
    result("close", close(copy));
    result("close again", close(copy));
    result("missing", open("none/x", O_RDONLY));
    result("not a directory", open("log/x", O_RDONLY));
    result("dots", access("././../quire-files/log", R_OK));
    result("truncate by open", close(open("log", O_WRONLY | O_TRUNC)));
    stat("log", &st);
    printf("size %ld\n", (long)st.st_size);
    printf("cwd ends with %s\n", strrchr(getcwd(buffer, sizeof buffer), '/'));
    result("cwd too small", getcwd(buffer, 3) == NULL ? -1 : 0);
    int null = open("/dev/null", O_RDWR);
    int zero = open("/dev/zero", O_RDWR);
    int full = open("/dev/full", O_RDWR);
    result("null", read(null, buffer, 4) + write(null, "abc", 3));
    buffer[0] = 1;
    result("zero", read(zero, buffer, 4));
    printf("%d\n", buffer[0]);
    result("full", write(full, "x", 1));
    int ends[2];
    result("pipe", pipe(ends));
    result("into it", write(ends[1], "through", 7));
    result("out of it", read(ends[0], buffer, 64));
    close(ends[1]);
    result("its end", read(ends[0], buffer, 64));
    unlink("log"), unlink("c"), rmdir("d"), chdir(".."), result("clean", rmdir("quire-files"));
    return 0;
}
