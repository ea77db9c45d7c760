/* SPDX-License-Identifier: GPL-2.0-only */
/* payloads: where the programs lie that the shipped scenarios run. */
#ifndef VMTAP_RUNNER_PAYLOADS_H
#define VMTAP_RUNNER_PAYLOADS_H

/**
 * payloads_export() - set VMTAP_PAYLOADS, which scenarios name as
 * ${VMTAP_PAYLOADS}, to the folder that belongs to this program: of its build,
 * of its installation, or beside it as kselftest installs. One that is set
 * already stands.
 */
void payloads_export(void);

#endif
