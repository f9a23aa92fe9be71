/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into a GTK program that is measured (LD_PRELOAD), the same into ours and into the empty one: when its frames were
 * painted, how long its main loop did not come round, when bytes went to a socket. It writes lines to the file that TESS_PROBE names,
 * all times in nanoseconds of CLOCK_MONOTONIC:
 *
 *   present TIME            the first gtk_window_present()
 *   frame BEGIN END         a frame with something painted
 *   stall END WALL CPU      between two polls the main thread was busy for so long, of it so long on a processor
 *   send TIME BYTES         something went into a TCP socket
 *
 * Stretches below LEAST_STALL are not written. */
#include <gtk/gtk.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LEAST_STALL 200000

static int      out = -1;
static gint64   awake_since;
static gint64   awake_cpu;
static gint64   paint_begin;
static gboolean rendered;

static gint64
now_ns (clockid_t id)
{
  struct timespec now;

  clock_gettime (id, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

static void G_GNUC_PRINTF (1, 2)
tell (const char *format, ...)
{
  char    line[128];
  va_list args;
  int     length;

  va_start (args, format);
  length = vsnprintf (line, sizeof line, format, args);
  va_end (args);
  /* One write() is one line, from whatever thread. */
  if (out >= 0 && length > 0 && write (out, line, (size_t) length) != length)
    out = -1;
}

/* ---- The main loop ---- */

static int
poll_cb (GPollFD *fds, guint n, int timeout)
{
  int ready;

  if (awake_since != 0)
    {
      gint64 now = now_ns (CLOCK_MONOTONIC);

      if (now - awake_since >= LEAST_STALL)
        tell ("stall %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", now, now - awake_since,
              now_ns (CLOCK_THREAD_CPUTIME_ID) - awake_cpu);
    }
  ready = poll ((struct pollfd *) fds, n, timeout);
  awake_since = now_ns (CLOCK_MONOTONIC);
  awake_cpu = now_ns (CLOCK_THREAD_CPUTIME_ID);
  return ready;
}

/* ---- Frames ---- */

static void
before_paint_cb (GdkFrameClock *clock)
{
  paint_begin = now_ns (CLOCK_MONOTONIC);
}

static void
after_paint_cb (GdkFrameClock *clock)
{
  if (rendered)
    tell ("frame %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", paint_begin, now_ns (CLOCK_MONOTONIC));
  rendered = FALSE;
}

static gboolean
render_hook (GSignalInvocationHint *hint, guint n_values, const GValue *values, gpointer user_data)
{
  GdkFrameClock *clock = gdk_surface_get_frame_clock (GDK_SURFACE (g_value_get_object (&values[0])));

  if (clock != NULL && g_object_get_data (G_OBJECT (clock), "tess-probe") == NULL)
    {
      g_object_set_data (G_OBJECT (clock), "tess-probe", clock);
      g_signal_connect (clock, "before-paint", G_CALLBACK (before_paint_cb), NULL);
      g_signal_connect (clock, "after-paint", G_CALLBACK (after_paint_cb), NULL);
      paint_begin = now_ns (CLOCK_MONOTONIC);
    }
  rendered = TRUE;
  return TRUE;
}

void
gtk_window_present (GtkWindow *window)
{
  static void (*real) (GtkWindow *);

  if (real == NULL)
    {
      *(void **) &real = dlsym (RTLD_NEXT, "gtk_window_present");
      tell ("present %" G_GINT64_FORMAT "\n", now_ns (CLOCK_MONOTONIC));
      g_type_class_unref (g_type_class_ref (GDK_TYPE_SURFACE));
      g_signal_add_emission_hook (g_signal_lookup ("render", GDK_TYPE_SURFACE), 0, render_hook, NULL, NULL);
    }
  real (window);
}

/* ---- Sockets ---- */

static void
tell_sent (int fd, ssize_t sent)
{
  struct sockaddr_storage address;
  socklen_t               length = sizeof address;

  if (out >= 0 && sent > 0 && getsockname (fd, (struct sockaddr *) &address, &length) == 0 && address.ss_family != AF_UNIX)
    tell ("send %" G_GINT64_FORMAT " %zd\n", now_ns (CLOCK_MONOTONIC), sent);
}

ssize_t
send (int fd, const void *data, size_t size, int flags)
{
  static ssize_t (*real) (int, const void *, size_t, int);
  ssize_t sent;

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "send");
  sent = real (fd, data, size, flags);
  tell_sent (fd, sent);
  return sent;
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  static ssize_t (*real) (int, const struct msghdr *, int);
  ssize_t sent;

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "sendmsg");
  sent = real (fd, message, flags);
  tell_sent (fd, sent);
  return sent;
}

static void __attribute__ ((constructor))
begin (void)
{
  const char *path = getenv ("TESS_PROBE");

  if (path == NULL)
    return;
  out = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  g_main_context_set_poll_func (NULL, poll_cb);
}
