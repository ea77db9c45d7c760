// SPDX-License-Identifier: GPL-2.0-only
/* What the keys of a scenario say together. */
#include <errno.h>
#include <string.h>

#include "runner/parse.h"
#include "runner/watchpoints.h"
#include "vmm/machine.h"

/* The node of a dotted path, or the last one on the way that is there. */
static const struct ynode *locate(const struct ynode *root, const char *path)
{
	const struct ynode *at = root, *next;
	char part[64];
	size_t len;

	for (; *path; path += len + (path[len] == '.')) {
		len = strcspn(path, ".");
		if (len >= sizeof(part))
			break;
		memcpy(part, path, len);
		part[len] = 0;
		next = ynode_get(at, part);
		if (!next)
			break;
		at = next;
	}
	return at;
}

/* What the HMAT cannot say: nothing, and more digits than 16 bits have. */
static int judge_hmat(struct parse_ctx *ctx, const struct ynode *at,
		      const struct scen_topology *t,
		      const struct num_table *table, const char *unit)
{
	size_t nodes = t->nodes + t->memory_nodes;
	size_t n = min(table->n, t->nodes * nodes), i;
	u64 biggest = 0, step;

	for (i = 0; i < n; i++)
		biggest = max(biggest, table->cells[i]);
	step = machine_hmat_unit((u32)biggest);
	for (i = 0; i < n; i++) {
		u64 v = table->cells[i];

		if (!v || v % step)
			return parse_error(ctx, at,
					   "%llu %s from node %zu to node %zu, expected a multiple of %llu above 0",
					   (unsigned long long)v, unit, i / nodes,
					   i % nodes, (unsigned long long)step);
	}
	return 0;
}

static int judge_node_memory(struct parse_ctx *ctx, const struct ynode *at,
			     const struct scen_topology *t)
{
	for (size_t i = 0; i < t->memory.n; i++)
		if (t->memory.items[i] % MiB(2))
			return parse_error(ctx, at,
					   "%lluK of memory for node %zu, expected a multiple of 2M",
					   (unsigned long long)t->memory.items[i] >> 10,
					   i);
	return 0;
}

static int judge_tables(struct parse_ctx *ctx, const struct ynode *root,
			const struct scen_topology *t)
{
	size_t nodes = t->nodes + t->memory_nodes;
	const struct { const char *path; const struct num_table *table; } tables[] = {
		{ "vm.cpus.distances", &t->distances },
		{ "vm.cpus.latency_ns", &t->latency_ns },
		{ "vm.cpus.bandwidth_mb", &t->bandwidth_mb },
	};

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (tables[i].table->n && tables[i].table->n != nodes * nodes)
			return parse_error(ctx, locate(root, tables[i].path),
					   "a table of %zu cells for %zu nodes, expected %zu rows of as many numbers",
					   tables[i].table->n, nodes, nodes);
	if (judge_hmat(ctx, locate(root, "vm.cpus.latency_ns"), t,
		       &t->latency_ns, "ns") ||
	    judge_hmat(ctx, locate(root, "vm.cpus.bandwidth_mb"), t,
		       &t->bandwidth_mb, "MB/s"))
		return -EINVAL;
	for (size_t i = 0; i < t->distances.n; i++) {
		bool self = i / nodes == i % nodes;
		u64 v = t->distances.cells[i];

		if (self ? v != 10 : v <= 10 || v > 254)
			return parse_error(ctx, locate(root, "vm.cpus.distances"),
					   "distance %llu from node %zu to node %zu, expected %s",
					   (unsigned long long)v, i / nodes, i % nodes,
					   self ? "10" : "11 to 254");
	}
	return 0;
}

static int judge_topology(struct parse_ctx *ctx, const struct ynode *root,
			  const struct scen_vm *vm)
{
	const struct scen_topology *t = &vm->cpus;
	const struct ynode *at = locate(root, "vm.cpus");
	size_t nodes = t->nodes + t->memory_nodes;
	u64 sum = 0;

	if (t->llcs % t->nodes)
		return parse_error(ctx, at, "%u LLCs on %u nodes, expected a multiple: llcs counts all of them",
				   t->llcs, t->nodes);
	if ((u64)t->llcs * t->cores * t->threads > SCEN_MAX_CPUS)
		return parse_error(ctx, at, "%llu CPUs, expected at most %u",
				   (unsigned long long)t->llcs * t->cores * t->threads,
				   SCEN_MAX_CPUS);
	if (nodes > SCEN_MAX_NODES)
		return parse_error(ctx, at, "%zu nodes, expected at most %u",
				   nodes, SCEN_MAX_NODES);
	if (t->memory.n && t->memory.n != nodes)
		return parse_error(ctx, locate(root, "vm.cpus.memory"),
				   "memory of %zu nodes, expected one size for each of %zu",
				   t->memory.n, nodes);
	for (size_t i = 0; i < t->memory.n; i++)
		sum = sum + t->memory.items[i] < sum ? UINT64_MAX :
						       sum + t->memory.items[i];
	if (t->memory.n && sum != vm->memory)
		return parse_error(ctx, locate(root, "vm.cpus.memory"),
				   "the nodes' memory is %lluM together, expected vm.memory, %lluM",
				   (unsigned long long)(sum >> 20),
				   (unsigned long long)(vm->memory >> 20));
	if (judge_node_memory(ctx, locate(root, "vm.cpus.memory"), t))
		return -EINVAL;
	return judge_tables(ctx, root, t);
}

static int judge_disk(struct parse_ctx *ctx, const struct ynode *root,
		      struct scen_disk *disk)
{
	if (!disk->present)
		return 0;
	if (!disk->size && !disk->image)
		disk->size = MiB(64);
	if (disk->size % 512)
		return parse_error(ctx, locate(root, "disk.size"),
				   "%llu bytes, expected a multiple of 512",
				   (unsigned long long)disk->size);
	if (disk->rw && !disk->image)
		return parse_error(ctx, locate(root, "disk.rw"),
				   "rw without an image, expected disk.image: a scratch disk is always writable");
	if (disk->rw && disk->read_only)
		return parse_error(ctx, locate(root, "disk.rw"),
				   "rw and read_only, expected at most one of them");
	return 0;
}

static int judge_vm(struct parse_ctx *ctx, const struct ynode *root,
		    const struct scen_vm *vm)
{
	if (vm->memory & 4095)
		return parse_error(ctx, locate(root, "vm.memory"),
				   "%llu bytes of memory, expected a multiple of 4K",
				   (unsigned long long)vm->memory);
	return judge_topology(ctx, root, vm);
}

/* The CPU has four debug registers, and the other backend as many pages. */
static int judge_watches(struct parse_ctx *ctx, const struct ynode *root,
			 const struct scenario *sc)
{
	if (sc->watch.n <= WATCHPOINTS_MAX)
		return 0;
	return parse_error(ctx, locate(root, "watch"),
			   "%zu watchpoints, expected at most %u", sc->watch.n,
			   WATCHPOINTS_MAX);
}

static int judge_guest(struct parse_ctx *ctx, const struct ynode *root,
		       const struct scenario *sc)
{
	const struct scen_guest *g = &sc->guest;
	const struct ynode *at = locate(root, "guest.exec");

	if (at && at->type == YNODE_LIST && !at->n)
		return parse_error(ctx, at, "an empty exec, expected a program");
	if (g->exec.n && !g->exec.items[0][0])
		return parse_error(ctx, at, "an empty name of a program, expected one");
	for (size_t i = 0; i < g->files.n; i++)
		for (size_t j = 0; j < i && g->files.n <= 1000; j++)
			if (!strcmp(g->files.items[i].dst, g->files.items[j].dst))
				return problem_add(ctx->p, PROBLEM_ERROR,
						   &g->files.items[i].loc, &ctx->src,
						   "'%s' stands in the guest twice, expected another dst than in line %u",
						   g->files.items[i].dst,
						   g->files.items[j].loc.line);
	return 0;
}

/* Threads that belong together, by type. */
static u32 group_size(const struct wl_worker *w)
{
	switch (w->type) {
	case WORK_PIPE_IO:
	case WORK_FUTEX_PING_PONG:
	case WORK_CACHE_PIPE:
		return 2;
	case WORK_FUTEX_FAN_OUT:
	case WORK_FAN_OUT_COMPUTE:
		return w->fan_out + 1;
	default:
		return 1;
	}
}

static const struct ynode *key_or(const struct ynode *n, const char *key)
{
	const struct ynode *v = ynode_get(n, key);

	return v ? v : n;
}

int judge_worker(struct parse_ctx *ctx, const struct ynode *n, const void *item)
{
	const struct wl_worker *w = item;
	u32 group = group_size(w);

	if (w->count % group)
		return parse_error(ctx, key_or(n, "count"),
				   "%u threads in groups of %u, expected a multiple",
				   w->count, group);
	if ((w->type == WORK_CUSTOM) != (w->command.n > 0))
		return parse_error(ctx, key_or(n, "command"),
				   w->command.n ? "a command, expected `type: custom` with it" :
						  "type custom without a command, expected one");
	if ((w->type == WORK_SEQUENCE) != (w->sequence.n > 0))
		return parse_error(ctx, key_or(n, "sequence"),
				   w->sequence.n ? "phases, expected `type: sequence` with them" :
						   "type sequence without phases, expected sequence");
	if (w->priority && w->policy != POLICY_FIFO && w->policy != POLICY_RR)
		return parse_error(ctx, key_or(n, "priority"),
				   "a priority, expected policy fifo or rr with it");
	return 0;
}

int judge_map_write(struct parse_ctx *ctx, const struct ynode *n,
		    const void *item)
{
	const struct scen_map_write *w = item;

	if (!w->field == !ynode_get(n, "offset"))
		return parse_error(ctx, n, "%s, expected either field or offset",
				   w->field ? "field and offset" : "no place in the map");
	if (w->size & (w->size - 1))
		return parse_error(ctx, ynode_get(n, "size"),
				   "%u bytes to write, expected 1, 2, 4 or 8", w->size);
	return 0;
}

static bool has_cgroup(const struct scen_workload *wl, const char *name)
{
	for (size_t i = 0; i < wl->cgroups.n; i++)
		if (!strcmp(wl->cgroups.items[i].name, name))
			return true;
	for (size_t i = 0; i < wl->steps.n; i++)
		for (size_t j = 0; j < wl->steps.items[i].ops.n; j++) {
			const struct wl_op *op = &wl->steps.items[i].ops.items[j];

			if (op->kind == OP_ADD_CGROUP &&
			    !strcmp(op->cgroup.name, name))
				return true;
		}
	return false;
}

static int want_cgroup(struct parse_ctx *ctx, const struct scen_workload *wl,
		       const char *name, const struct loc *loc)
{
	if (!name || has_cgroup(wl, name))
		return 0;
	return problem_add(ctx->p, PROBLEM_ERROR, loc, &ctx->src,
			   "no cgroup '%s', expected one of workload.cgroups or of an add_cgroup",
			   name);
}

/* The kernel's rule: what has groups below it holds no processes. */
static int want_leaf(struct parse_ctx *ctx, const struct scen_workload *wl,
		     const char *name, const struct loc *loc)
{
	for (size_t i = 0; name && i < wl->cgroups.n; i++)
		if (wl->cgroups.items[i].parent &&
		    !strcmp(wl->cgroups.items[i].parent, name))
			return problem_add(ctx->p, PROBLEM_ERROR, loc, &ctx->src,
					   "a worker in '%s', which has groups below it, expected the innermost one",
					   name);
	return want_cgroup(ctx, wl, name, loc);
}

static int judge_op(struct parse_ctx *ctx, const struct scen_workload *wl,
		    const struct wl_op *op)
{
	switch (op->kind) {
	case OP_ADD_CGROUP:
		return want_cgroup(ctx, wl, op->cgroup.parent, &op->loc);
	case OP_SPAWN:
		return want_leaf(ctx, wl, op->worker.cgroup, &op->loc);
	case OP_SWAP_CPUSETS:
	case OP_MOVE:
		return want_cgroup(ctx, wl, op->target, &op->loc) ?:
		       want_cgroup(ctx, wl, op->to, &op->loc);
	case OP_REMOVE_CGROUP:
	case OP_SET_CPUSET:
	case OP_CLEAR_CPUSET:
	case OP_FREEZE:
	case OP_UNFREEZE:
		return want_cgroup(ctx, wl, op->target, &op->loc);
	default:
		return 0;
	}
}

static int judge_steps(struct parse_ctx *ctx, const struct ynode *root,
		       const struct scen_workload *wl)
{
	double sum = 0;
	int rc = 0;

	for (size_t i = 0; i < wl->steps.n; i++) {
		const struct wl_step *step = &wl->steps.items[i];

		if (step->hold.kind == HOLD_FRACTION)
			sum += step->hold.fraction;
		for (size_t j = 0; j < step->ops.n; j++)
			rc = judge_op(ctx, wl, &step->ops.items[j]) ?: rc;
	}
	if (sum > 1.0001)
		return parse_error(ctx, locate(root, "workload.steps"),
				   "holds of %.0f%% together, expected at most 100%%",
				   sum * 100);
	return rc;
}

static int judge_workload(struct parse_ctx *ctx, const struct ynode *root,
			  const struct scenario *sc)
{
	const struct scen_workload *wl = &sc->workload;
	int rc = 0;

	if (!wl->present)
		return 0;
	/* The look-ups are linear; nobody writes that many by hand. */
	if (wl->cgroups.n > 1000 || wl->workers.n > 1000 || wl->steps.n > 1000)
		return parse_error(ctx, locate(root, "workload"),
				   "a workload with more than 1000 cgroups, workers or steps, expected fewer");
	for (size_t i = 0; i < wl->cgroups.n; i++)
		rc = want_cgroup(ctx, wl, wl->cgroups.items[i].parent,
				 &wl->cgroups.items[i].loc) ?: rc;
	for (size_t i = 0; i < wl->workers.n; i++)
		rc = want_leaf(ctx, wl, wl->workers.items[i].cgroup,
			       &wl->workers.items[i].loc) ?: rc;
	return judge_steps(ctx, root, wl) ?: rc;
}

int scenario_judge(struct parse_ctx *ctx, const struct ynode *root,
		   struct scenario *sc)
{
	int rc = judge_vm(ctx, root, &sc->vm);

	rc = judge_disk(ctx, root, &sc->disk) ?: rc;
	rc = judge_guest(ctx, root, sc) ?: rc;
	rc = judge_watches(ctx, root, sc) ?: rc;
	return judge_workload(ctx, root, sc) ?: rc;
}
