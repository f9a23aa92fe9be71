/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "omemo-world.h"

/* One schedule: three people with three devices each do things by chance, and a network that is not kind carries what they say. */

typedef enum
{
  SCHEDULE_HONEST,
  SCHEDULE_FORGETFUL, /* devices lose single sessions, too: what was under way with them cannot be read, and is repaired */
} ScheduleKind;

typedef struct
{
  guint sent;      /* messages with a text */
  guint read;      /* …times that one was read */
  guint lost;      /* letters: one message on its way to one device */
  guint doubled;
  guint overtook;
  guint restarts;
  guint added;     /* devices beyond the first nine */
  guint exchanges; /* letters that began a session */
  guint broken;    /* letters that could not be read, by the rules of the kind */
  guint repairs;   /* devices that began a session anew by themselves */
} ScheduleFigures;

extern gboolean schedule_verbose;

/* (transfer full) (nullable): what is wrong. All chance comes from @seed. */
char *schedule_run (guint32 seed, ScheduleKind kind, guint steps, ScheduleFigures *figures);
