/* face_fake_trouble.h: what a photo does that has taken its process over, for
 * tests of the face process; see face_fake.c for how a test asks for it. */
#ifndef SID_FACE_FAKE_TROUBLE_H
#define SID_FACE_FAKE_TROUBLE_H

/* 0 to 12: acts that the sandbox forbids. Where they are not prevented they do
 * no harm, and the photo goes on as a flawless one. */
enum trouble {
    TROUBLE_OPEN,
    TROUBLE_SOCKET,
    TROUBLE_EXECVE,
    TROUBLE_FORK,
    TROUBLE_MMAP_EXEC,
    TROUBLE_MPROTECT_EXEC,
    TROUBLE_KILL,
    TROUBLE_PTRACE,
    TROUBLE_READ_OTHER,
    TROUBLE_UNLINK,
    TROUBLE_PRCTL,
    TROUBLE_IO_URING,
    TROUBLE_BPF,
    TROUBLE_HANG = 16, /* no CPU time, no end */
    TROUBLE_SPIN,      /* CPU time without end */
    TROUBLE_MEMORY,    /* all there is; then SID_E_NO_MEMORY */
    TROUBLE_LIE,       /* a measured value that cannot be */
    TROUBLE_DAWDLE     /* no CPU time, 4 s (8 where a sanitizer is) */
};

/* Makes the trouble; returns where it was not prevented. Not for MEMORY and
 * LIE, which are the caller's to report: then nothing but the memory. */
void face_fake_trouble(unsigned trouble);

#endif
