/* A wall clock that is off by what stands in a file; every other clock stays true. Loaded before a program (LD_PRELOAD).
   libfaketime was tried and waits on condition variables in a way that makes a Python with threads 8 times slower. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static int (*true_gettime)(clockid_t, struct timespec *);
static volatile const int64_t *off_by_ns;

__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("WALL_CLOCK_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *place = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *off_by_ns, PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    if (place != MAP_FAILED)
        off_by_ns = place;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!true_gettime)
        true_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = true_gettime(clock, now);
    if (!failed && off_by_ns && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ns = now->tv_sec * SECOND + now->tv_nsec + *off_by_ns;
        now->tv_sec = ns / SECOND;
        now->tv_nsec = ns % SECOND;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where)
        *where = exact.tv_sec;
    return exact.tv_sec;
}
