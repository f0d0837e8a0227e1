/* main.c: smartidctl: picks the command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "smartid/log.h"
#include "smartid/mac.h"

static const char usage_text[] =
    "usage: smartidctl [-c FILE] COMMAND …   (smartidctl COMMAND --help)\n"
    "\n"
    "  init       make the settings, the master key and the database\n"
    "  client     add | list | revoke keys of apps, clerks, officers, admins\n"
    "  key        list | status | rotate the daemon's own keys\n"
    "  audit      verify the audit log, export it, look for misuse in it\n"
    "  purposes   print the purposes in force, which several daemons share\n"
    "  retention  what is erased by itself, and how much of it is due\n"
    "  backup     copy database and photos, also while the daemon runs\n"
    "  restore    make a backup the database; check a backup or a database\n"
    "  migrate    move the database to a server, or back\n"
    "  verify     check a code for counters without a network\n"
    "  webhook    how the app's backend is told what happens\n"
    "  wechat     print examples: accounts on WeChat, what the chat says\n"
    "  qr         show a code as a QR symbol in the terminal\n"
    "  compare    compare the faces in two photos, or in many pairs\n"
    "  calibrate  error rates and thresholds from the output of compare\n"
    "  models     print a model pack's self-test values for its manifest\n"
    "\n"
    "  -c, --config FILE   the daemon's settings "
    "(default " SID_CTL_DEFAULT_CONFIG ")\n"
    "  --version, --help\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 78 settings not valid.\n";

static int
usage(void) {
    (void)fputs(usage_text, stderr);
    return SID_CTL_USAGE;
}

/* given: the file that -c names, or NULL. */
static int
run(const char *given, int argc, char **argv) {
    const char *command = argv[0];
    const char *config_path = given != NULL ? given : SID_CTL_DEFAULT_CONFIG;
    if (strcmp(command, "init") == 0)
        return sid_ctl_init(argc, argv);
    if (strcmp(command, "client") == 0)
        return sid_ctl_client(config_path, argc, argv);
    if (strcmp(command, "key") == 0)
        return sid_ctl_key(config_path, argc, argv);
    if (strcmp(command, "purposes") == 0)
        return sid_ctl_purposes(config_path, argc, argv);
    if (strcmp(command, "retention") == 0)
        return sid_ctl_retention(config_path, argc, argv);
    if (strcmp(command, "webhook") == 0)
        return sid_ctl_webhook(config_path, argc, argv);
    if (strcmp(command, "backup") == 0)
        return sid_ctl_backup(config_path, argc, argv);
    if (strcmp(command, "restore") == 0)
        return sid_ctl_restore(config_path, argc, argv);
    if (strcmp(command, "migrate") == 0)
        return sid_ctl_migrate(config_path, argc, argv);
    if (strcmp(command, "audit") == 0)
        return sid_ctl_audit(config_path, argc, argv);
    if (strcmp(command, "verify") == 0)
        return sid_ctl_verify(argc, argv);
    if (strcmp(command, "wechat") == 0)
        return sid_ctl_wechat(argc, argv);
    if (strcmp(command, "qr") == 0)
        return sid_ctl_qr(argc, argv);
    if (strcmp(command, "compare") == 0)
        return sid_ctl_compare(given, argc, argv);
    if (strcmp(command, "calibrate") == 0)
        return sid_ctl_calibrate(argc, argv);
    if (strcmp(command, "models") == 0)
        return sid_ctl_models(argc, argv);
    (void)fprintf(stderr, "smartidctl: there is no command '%s'\n\n", command);
    return usage();
}

static int
choose(int argc, char **argv) {
    const char *config_path = NULL;
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            (void)fputs(usage_text, stdout);
            return SID_CTL_OK;
        }
        if (strcmp(argv[at], "--version") == 0) {
            (void)printf("smartidctl %s\n", SID_VERSION);
            return SID_CTL_OK;
        }
        bool is_config =
            strcmp(argv[at], "-c") == 0 || strcmp(argv[at], "--config") == 0;
        if (!is_config || at + 1 >= argc)
            return usage();
        config_path = argv[++at];
    }
    if (at >= argc)
        return usage();
    /* Results are for people and scripts; the library's own events only when
     * something is wrong. */
    sid_log_set_level(SID_LOG_ERROR);
    if (sid_crypto_init() != SID_OK) {
        (void)fputs("smartidctl: the cryptographic library does not start\n",
                    stderr);
        return SID_CTL_FAILED;
    }
    int status = run(config_path, argc - at, argv + at);
    sid_crypto_fini();
    return status;
}

/* What was printed may be a key that is shown once: lost, it is no success. */
int
main(int argc, char **argv) {
    int status = choose(argc, argv);
    bool lost = fflush(stdout) != 0 || ferror(stdout) != 0;
    if (status != SID_CTL_OK || !lost)
        return status;
    (void)fputs("smartidctl: the output could not be written\n", stderr);
    return SID_CTL_FAILED;
}
