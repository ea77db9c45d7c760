/* SPDX-License-Identifier: GPL-2.0-only */
/* version: what `vmtap --version` and kept runs tell. */
#ifndef VMTAP_RUNNER_VERSION_H
#define VMTAP_RUNNER_VERSION_H

#ifndef VMTAP_VERSION
#define VMTAP_VERSION "0.1"
#endif

#endif
