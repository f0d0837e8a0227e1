/* process.h: what Linux says about this process, for metrics.c. Any thread;
 * owns nothing. */
#ifndef SID_BASE_PROCESS_H
#define SID_BASE_PROCESS_H

struct process_facts {
    double cpu_s;          /* user + system, all threads */
    double resident_bytes; /* RSS */
    double open_fds;
    double start_s; /* Unix seconds */
};

/* What cannot be read is 0. */
void process_facts_read(struct process_facts *out);

#endif
