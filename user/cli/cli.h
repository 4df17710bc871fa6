/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line: one table of verbs (verbs.c) yields dispatch, help, usage errors, completion
 * and the man page. */
#ifndef WEIR_CLI_H
#define WEIR_CLI_H

/* Exit statuses of every verb. */
#define CLI_DONE      0
#define CLI_FAILED    1
#define CLI_USAGE     2
#define CLI_NO_DAEMON 3

/* The whole program. Returns the exit status. */
int cli_main(int argc, char **argv);

/* Verbs that need no daemon and read their arguments themselves, after the table has checked them:
 * argv[0] is the verb. Return the exit status. */
int cli_classify(int argc, char **argv);
int cli_signatures(int argc, char **argv);

#endif
