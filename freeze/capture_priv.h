/* SPDX-License-Identifier: GPL-2.0-only */
/* capture_priv: what capture.c and capture_maps.c share. */
#ifndef VMTAP_FREEZE_CAPTURE_PRIV_H
#define VMTAP_FREEZE_CAPTURE_PRIV_H

#include "freeze/capture.h"

/** capture_maps() - the BPF maps of @from into @out; 0 or -ENOMEM */
int capture_maps(struct capture_from *from, struct capture *out);
void capture_maps_reset(struct capture *c);
void capture_types_free(struct capture_types *t);

#endif
