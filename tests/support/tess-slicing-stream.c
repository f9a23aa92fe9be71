/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tess-slicing-stream.h"

#include <sys/socket.h>

#define TESS_TYPE_SLICING_INPUT (tess_slicing_input_get_type ())
G_DECLARE_FINAL_TYPE (TessSlicingInput, tess_slicing_input, TESS, SLICING_INPUT, GFilterInputStream)
#define TESS_TYPE_SLICING_OUTPUT (tess_slicing_output_get_type ())
G_DECLARE_FINAL_TYPE (TessSlicingOutput, tess_slicing_output, TESS, SLICING_OUTPUT, GFilterOutputStream)
#define TESS_TYPE_SLICING_STREAM (tess_slicing_stream_get_type ())
G_DECLARE_FINAL_TYPE (TessSlicingStream, tess_slicing_stream, TESS, SLICING_STREAM, GIOStream)

struct _TessSlicingInput
{
  GFilterInputStream parent;
  guint              most;
};

struct _TessSlicingOutput
{
  GFilterOutputStream parent;
  guint               most;
};

struct _TessSlicingStream
{
  GIOStream      parent;
  GIOStream     *base;
  GInputStream  *input;
  GOutputStream *output;
};

G_DEFINE_FINAL_TYPE (TessSlicingInput, tess_slicing_input, G_TYPE_FILTER_INPUT_STREAM)
G_DEFINE_FINAL_TYPE (TessSlicingOutput, tess_slicing_output, G_TYPE_FILTER_OUTPUT_STREAM)
G_DEFINE_FINAL_TYPE (TessSlicingStream, tess_slicing_stream, G_TYPE_IO_STREAM)

/* Not g_test_rand_int (): this runs in threads. */
static gsize
slice (guint most, gsize count)
{
  gsize size = (gsize) g_random_int_range (1, (gint32) most + 1);

  return MIN (count, size);
}

static gssize
slicing_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  return g_input_stream_read (g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (stream)), buffer,
                              slice (TESS_SLICING_INPUT (stream)->most, count), cancellable, error);
}

static gssize
slicing_write (GOutputStream *stream, const void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  return g_output_stream_write (g_filter_output_stream_get_base_stream (G_FILTER_OUTPUT_STREAM (stream)), buffer,
                                slice (TESS_SLICING_OUTPUT (stream)->most, count), cancellable, error);
}

static void
tess_slicing_input_class_init (TessSlicingInputClass *class)
{
  G_INPUT_STREAM_CLASS (class)->read_fn = slicing_read;
}

static void
tess_slicing_input_init (TessSlicingInput *self)
{
}

static void
tess_slicing_output_class_init (TessSlicingOutputClass *class)
{
  G_OUTPUT_STREAM_CLASS (class)->write_fn = slicing_write;
}

static void
tess_slicing_output_init (TessSlicingOutput *self)
{
}

static GInputStream *
get_input (GIOStream *stream)
{
  return TESS_SLICING_STREAM (stream)->input;
}

static GOutputStream *
get_output (GIOStream *stream)
{
  return TESS_SLICING_STREAM (stream)->output;
}

static gboolean
close_both (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  return g_io_stream_close (TESS_SLICING_STREAM (stream)->base, cancellable, error);
}

static void
finalize (GObject *object)
{
  TessSlicingStream *self = TESS_SLICING_STREAM (object);

  g_object_unref (self->input);
  g_object_unref (self->output);
  g_object_unref (self->base);
  G_OBJECT_CLASS (tess_slicing_stream_parent_class)->finalize (object);
}

static void
tess_slicing_stream_class_init (TessSlicingStreamClass *class)
{
  G_OBJECT_CLASS (class)->finalize = finalize;
  G_IO_STREAM_CLASS (class)->get_input_stream = get_input;
  G_IO_STREAM_CLASS (class)->get_output_stream = get_output;
  G_IO_STREAM_CLASS (class)->close_fn = close_both;
}

static void
tess_slicing_stream_init (TessSlicingStream *self)
{
}

GIOStream *
tess_slicing_stream_new (GIOStream *base, guint most)
{
  TessSlicingStream *self = g_object_new (TESS_TYPE_SLICING_STREAM, NULL);

  self->base = g_object_ref (base);
  self->input = g_object_new (TESS_TYPE_SLICING_INPUT, "base-stream", g_io_stream_get_input_stream (base),
                              "close-base-stream", FALSE, NULL);
  self->output = g_object_new (TESS_TYPE_SLICING_OUTPUT, "base-stream", g_io_stream_get_output_stream (base),
                               "close-base-stream", FALSE, NULL);
  TESS_SLICING_INPUT (self->input)->most = most;
  TESS_SLICING_OUTPUT (self->output)->most = most;

  return G_IO_STREAM (self);
}

void
tess_slicing_stream_new_pair (guint most, GIOStream **one, GIOStream **other)
{
  GIOStream **ends[] = { one, other };
  int         fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError)    error = NULL;
      g_autoptr (GSocket)   socket = g_socket_new_from_fd (fds[i], &error);
      g_autoptr (GIOStream) base = NULL;

      g_assert_no_error (error);
      base = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
      *ends[i] = tess_slicing_stream_new (base, most);
    }
}
