// SPDX-License-Identifier: GPL-2.0-only
/* Where scenarios' programs lie; see payloads.h. */
#include "runner/payloads.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/util.h"

void payloads_export(void)
{
	/* From the program's own folder; the last one is always there. */
	static const char *const places[] = {
		"/build/payloads", "/payloads", "/../payloads", "/../lib/vmtap/payloads", "",
	};
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	if (n <= 0)
		return;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s%s", self, places[i]);
		if (!access(path, X_OK))
			break;
	}
	setenv("VMTAP_PAYLOADS", path, 0);
}
