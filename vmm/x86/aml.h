/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aml: just enough ACPI Machine Language to describe devices: names, integers,
 * strings, packages, resources, devices, scopes. A container is written by
 * filling a buffer of its own and closing that into the outer one, because
 * its length stands in front of it. Errors stick to the buffers.
 * Spec: ACPI 6.4, chapter 20.
 */
#ifndef VMTAP_VMM_X86_AML_H
#define VMTAP_VMM_X86_AML_H

#include "vmm/base/buf.h"
#include "vmm/base/util.h"

/** aml_int() - an integer in its shortest form */
void aml_int(struct buf *out, u64 v);
/** aml_string() - a string object */
void aml_string(struct buf *out, const char *s);
/** aml_eisaid() - "PNP0501" as the packed integer that _HID takes */
void aml_eisaid(struct buf *out, const char *id);

/** aml_name() - Name(@name, ...): the object follows. @name: 4 characters */
void aml_name(struct buf *out, const char *name);

/* Containers: @body is consumed (reset). */
void aml_scope(struct buf *out, const char *path, struct buf *body);
void aml_device(struct buf *out, const char *name, struct buf *body);
void aml_package(struct buf *out, u8 count, struct buf *body);
/** aml_resources() - a resource template; adds the end tag */
void aml_resources(struct buf *out, struct buf *body);

/* Resource descriptors, for aml_resources(). */
void aml_res_memory32(struct buf *out, u32 base, u32 size);
void aml_res_io(struct buf *out, u16 port, u8 size);
/** aml_res_irq() - extended interrupt: edge, active high, exclusive */
void aml_res_irq(struct buf *out, u32 gsi);

#endif
