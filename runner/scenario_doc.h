/* SPDX-License-Identifier: GPL-2.0-only */
/* scenario_doc: what a loaded file holds, for the matrix, the plan and lint. */
#ifndef VMTAP_RUNNER_SCENARIO_DOC_H
#define VMTAP_RUNNER_SCENARIO_DOC_H

#include "runner/parse.h"
#include "runner/scenario.h"
#include "runner/yaml.h"

struct scenario_doc {
	struct ydoc yaml;	/* its arena holds everything */
	struct ydoc *layers;	/* of `defaults`, lowest first */
	size_t nr_layers;
	struct scenario base;
	const struct ynode *matrix;	/* NULL: none */
	struct loc matrix_loc;
};

/** scenario_doc_ctx() - a context to parse more values into copies */
struct parse_ctx scenario_doc_ctx(struct scenario_doc *doc, struct problems *p,
				  struct scenario *sc);

#endif
