/* descriptors.h - for those who play many clients at once. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <sys/resource.h>

/* Sees to it that we may have n descriptors, or as many as the system allows. Not simply the maximum: that may be
 * "infinite", which macOS refuses. */
static inline void allow_descriptors(rlim_t n) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= n)
        return;
    files.rlim_cur = files.rlim_max < n ? files.rlim_max : n;
    setrlimit(RLIMIT_NOFILE, &files);
}

#endif
