// SPDX-License-Identifier: GPL-2.0-only
/* Finding rows of the key table. */
#include "runner/keys.h"

#include <stdio.h>
#include <string.h>

const struct key *keyset_find(const struct keyset *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->keys[i].name, name))
			return &set->keys[i];
	return NULL;
}

static const struct key *find_part(const struct keyset *set, const char *part,
				   size_t len)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strncmp(set->keys[i].name, part, len) &&
		    !set->keys[i].name[len])
			return &set->keys[i];
	return NULL;
}

bool keys_resolve(const char *path, struct key_ref *ret)
{
	struct key_ref ref = { .parent = &scenario_keys };

	for (;;) {
		size_t len = strcspn(path, ".");

		ref.key = find_part(ref.parent, path, len);
		if (!ref.key || ref.key->kind == KEY_META)
			return false;
		path += len;
		if (!*path)
			break;
		path++;
		if (ref.key->kind == KEY_STR_MAP) {
			ref.entry = path;
			break;
		}
		if (ref.key->kind != KEY_MAP)
			return false;
		ref.parent_off += ref.key->off;
		ref.parent = ref.key->sub;
	}
	*ret = ref;
	return true;
}

static int walk(const struct keyset *set, const char *prefix,
		int (*fn)(void *arg, const char *path, const struct key *key),
		void *arg)
{
	char path[128];
	int rc = 0;

	for (size_t i = 0; i < set->n && !rc; i++) {
		const struct key *key = &set->keys[i];

		BUG_ON(snprintf(path, sizeof(path), "%s%s", prefix, key->name) >=
		       (int)sizeof(path) - 4);
		rc = fn(arg, path, key);
		if (rc || !key->sub)
			continue;
		strcat(path, key->kind == KEY_LIST ? "[]." : ".");
		rc = walk(key->sub, path, fn, arg);
	}
	return rc;
}

int keys_walk(int (*fn)(void *arg, const char *path, const struct key *key),
	      void *arg)
{
	return walk(&scenario_keys, "", fn, arg);
}
