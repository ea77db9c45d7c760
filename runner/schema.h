/* SPDX-License-Identifier: GPL-2.0-only */
/* schema: the key table printed as JSON Schema and as the manual's reference. */
#ifndef VMTAP_RUNNER_SCHEMA_H
#define VMTAP_RUNNER_SCHEMA_H

struct buf;

/** schema_json() - JSON Schema draft-07 of a scenario file */
int schema_json(struct buf *out);
/** schema_man() - vmtap-scenario(5), man(7) source */
int schema_man(struct buf *out);
/** cmd_schema() - `vmtap schema [--man]`; exit status */
int cmd_schema(int argc, char **argv);

#endif
