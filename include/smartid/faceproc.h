/* faceproc.h: a process that takes photos apart and has nothing to steal.
 *
 * The daemon starts its own binary afresh with SID_FACEPROC_ARGUMENT: that is
 * the fork server. It loads the face models and then does nothing but fork, at
 * the daemon's wish: each fork is a face process, which goes into the sandbox
 * (sandbox.h) and answers one face worker's photos with facts. Nobody in this
 * family has ever had a key, and no process of the daemon's own is copied.
 *
 * app layer (app/faceproc_main.c): it joins image, face and photo.c. */
#ifndef SMARTID_FACEPROC_H
#define SMARTID_FACEPROC_H

#include <stdbool.h>

#define SID_FACEPROC_ARGUMENT "--face-process"

/* Called by main before anything else is set up. True: this process was a fork
 * server or one of its forks, and *status is its exit status. False: it is
 * something else, which from now on may have face processes; a program that
 * never asks cannot start itself over and over again. */
bool sid_faceproc_was(int argc, char **argv, int *status);

#endif
