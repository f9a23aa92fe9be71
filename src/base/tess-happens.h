/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* GLib is not instrumented: what its mutexes and thread pools order is invisible to ThreadSanitizer, and said by hand where two
 * threads hand something over. In every other build nothing. Any thread. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TESS_TSAN
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define TESS_TSAN
#endif

#ifdef TESS_TSAN
void __tsan_acquire (void *address);
void __tsan_release (void *address);
#define TESS_HAPPENS_BEFORE(address) __tsan_release (address)
#define TESS_HAPPENS_AFTER(address) __tsan_acquire (address)
#else
#define TESS_HAPPENS_BEFORE(address) ((void) (address))
#define TESS_HAPPENS_AFTER(address) ((void) (address))
#endif
