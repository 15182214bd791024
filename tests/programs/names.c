/* Names: links to nowhere, slashes at the end, chains of links, and what lies behind the end of a file. With the argument
 * "stdin", standard input that a program tries to cut off while it reads it. Run in a directory of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void result(const char *what, int value) { printf("%s: %s\n", what, value < 0 ? strerror(errno) : "ok"); }

static void behind_the_end(void) {
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    char byte = '?';
    result("write", (int)write(fd, "abcd", 4));
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[100] = 'Z';
    result("extend", ftruncate(fd, 200));
    result("read", (int)pread(fd, &byte, 1, 100));
    printf("stored behind the end, then extended over: %d, in the mapping %d\n", byte, map[100]);
    map[300] = 'Y';
    result("write beyond", (int)pwrite(fd, "e", 1, 1000));
    result("read", (int)pread(fd, &byte, 1, 300));
    printf("stored behind the end, then written beyond: %d\n", byte);
    close(fd);
}

static void links_to_nowhere(void) {
    result("symlink", symlink("target", "nowhere"));
    result("exclusive", open("nowhere", O_CREAT | O_EXCL | O_WRONLY, 0644));
    result("not followed", open("nowhere", O_CREAT | O_NOFOLLOW | O_WRONLY, 0644));
    result("target before", access("target", F_OK));
    result("create through it", open("nowhere", O_CREAT | O_WRONLY, 0644));
    result("target after", access("target", F_OK));
    result("mkdir", mkdir("nowhere", 0755));
    char name[8], target[8];
    for (int i = 0; i <= 40; i++) {
        snprintf(name, sizeof name, "l%d", i);
        snprintf(target, sizeof target, "l%d", i + 1);
        if (symlink(i == 40 ? "file" : target, name) < 0) result("chain", -1);
    }
    result("40 links", open("l1", O_RDONLY));
    result("41 links", open("l0", O_RDONLY));
}

static void slashes_at_the_end(void) {
    struct stat st;
    result("mkdir d/", mkdir("d/", 0755));
    result("symlink s/", symlink("x", "s/"));
    result("link n/", link("file", "n/"));
    result("create c/", open("c/", O_CREAT | O_WRONLY, 0644));
    result("create file/", open("file/", O_CREAT | O_WRONLY, 0644));
    result("open file/", open("file/", O_RDONLY));
    result("unlink file/", unlink("file/"));
    result("rmdir file/", rmdir("file/"));
    result("mkdir file/", mkdir("file/", 0755));
    result("rename file m/", rename("file", "m/"));
    result("rename d e/", rename("d", "e/"));
    result("rename e/. f", rename("e/.", "f"));
    result("symlink link", symlink("e", "link"));
    result("lstat link/", lstat("link/", &st));
    printf("%o\n", st.st_mode);
    result("rmdir link/", rmdir("link/"));
    result("unlink e/", unlink("e/"));
    result("rmdir e/.", rmdir("e/."));
    result("rmdir e/..", rmdir("e/.."));
    result("rmdir /", rmdir("/"));
    result("unlink /", unlink("/"));
    result("mkdir /", mkdir("/", 0755));
    result("exclusive /", open("/", O_CREAT | O_EXCL | O_WRONLY, 0644));
    result("rmdir e/", rmdir("e/"));
}

static void too_long(void) {
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    result("mkdir", mkdir(name, 0755));
    result("create", open(name, O_CREAT | O_WRONLY, 0644));
    result("rename", rename("file", name));
    name[255] = '\0';
    result("255 bytes", mkdir(name, 0755));
    result("rmdir", rmdir(name));
}

static int cut_off_input(void) {
    char bytes[6] = "";
    for (int i = 0; i < 4; i++) {
        long count = read(0, bytes, 5);
        printf("%ld <%.*s>\n", count, count > 0 ? (int)count : 0, bytes);
        fflush(stdout);
        /* Where it lies on Quire; there is no such file elsewhere. */
        if (truncate("/.quire/stdin", 0) < 0 && errno != ENOENT) return 1;
        unlink("/.quire/stdin");
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count > 1 && !strcmp(arguments[1], "stdin")) return cut_off_input();
    if (mkdir("quire-names", 0755) < 0 || chdir("quire-names") < 0) return 1;
    behind_the_end();
    links_to_nowhere();
    slashes_at_the_end();
    too_long();
    char name[8];
    for (int i = 0; i <= 40; i++) {
        snprintf(name, sizeof name, "l%d", i);
        unlink(name);
    }
    unlink("nowhere");
    unlink("target");
    unlink("link");
    unlink("file");
    chdir("..");
    result("rmdir", rmdir("quire-names"));
    return 0;
}
