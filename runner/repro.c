// SPDX-License-Identifier: GPL-2.0-only
/* The command that runs a case again; see repro.h. */
#include "runner/repro.h"

#include "runner/plan.h"
#include "runner/text.h"
#include "vmm/base/buf.h"

static void quote(struct buf *out, const char *word)
{
	buf_putc(out, ' ');
	text_quote(word, out);
}

char *repro_command(const struct plan_opts *o, u64 seed, const char *accel,
		    const char *name)
{
	struct buf cmd = { 0 };
	size_t i;

	buf_printf(&cmd, "vmtap run --accel %s --seed 0x%llx", accel,
		   (unsigned long long)seed);
	for (i = 0; i < o->kernels.n; i++) {
		buf_puts(&cmd, " --kernel");
		quote(&cmd, o->kernels.items[i]);
	}
	for (i = 0; i < o->sets.n; i++) {
		buf_puts(&cmd, " --set");
		quote(&cmd, o->sets.items[i]);
	}
	if (o->timeout) {
		buf_puts(&cmd, " --timeout");
		quote(&cmd, o->timeout);
	}
	if (o->exec) {
		buf_puts(&cmd, " --exec");
		quote(&cmd, o->exec);
	} else {
		buf_puts(&cmd, " --filter");
		quote(&cmd, name);
	}
	for (i = 0; i < o->paths.n; i++)
		quote(&cmd, o->paths.items[i]);
	return buf_steal(&cmd);
}
