/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* All that the views know of the rest of Tessera. */
#include "model/tess-client.h"
#include "model/tess-device-list.h"
#include "model/tess-timeline.h"
