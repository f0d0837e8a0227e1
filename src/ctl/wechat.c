/* wechat.c: smartidctl wechat: the files that an account on WeChat takes, as
 * examples. Needs neither settings nor a daemon. */
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "smartid/wechat_account.h"
#include "smartid/wechat_texts.h"

static int
usage(FILE *to, int status) {
    (void)fputs("usage: smartidctl wechat accounts-example\n"
                "       smartidctl wechat texts\n"
                "\n"
                "accounts-example  the file that [wechat] accounts names\n"
                "texts             all that the chat says, to be reworded\n",
                to);
    return status;
}

int
sid_ctl_wechat(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    if (argc != 2)
        return usage(stderr, SID_CTL_USAGE);
    if (strcmp(argv[1], "accounts-example") == 0)
        sid_wechat_accounts_print_example(stdout);
    else if (strcmp(argv[1], "texts") == 0)
        sid_wechat_texts_print(stdout);
    else
        return usage(stderr, SID_CTL_USAGE);
    return fflush(stdout) == 0 ? SID_CTL_OK : SID_CTL_FAILED;
}
