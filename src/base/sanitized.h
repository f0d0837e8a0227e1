/* sanitized.h: whether this build looks at itself (ASan, TSan): such a process
 * needs a debugger's rights, terabytes of address space and system calls of its
 * own. Constant. Private to src/base. */
#ifndef SID_BASE_SANITIZED_H
#define SID_BASE_SANITIZED_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#endif
