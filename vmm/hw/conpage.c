// SPDX-License-Identifier: GPL-2.0-only
/* The output-only serial page; see conpage.h. */
#include "vmm/hw/conpage.h"

#include <errno.h>
#include <linux/kvm.h>
#include <linux/serial_reg.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/base/diag.h"
#include "vmm/coalesced.h"
#include "vmm/kvm.h"

/* Reads come here only where the host has no read-only slots. */
static void conpage_read(void *dev, u64 off, void *data, u32 len)
{
	struct conpage *con = dev;

	memcpy(data, con->page + off, len);
}

static void conpage_write(void *dev, u64 off, const void *data, u32 len)
{
	struct conpage *con = dev;

	if (off == UART_TX && len == 1 && con->out)
		con->out(con->arg, data, 1);
}

static const struct bus_ops conpage_ops = { conpage_read, conpage_write };

int conpage_attach(struct conpage *con, const struct kvm *kvm, u32 slot,
		   struct bus *mmio, const struct coalesced *ring,
		   struct diag *d)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = KVM_MEM_READONLY,
		.guest_phys_addr = CONPAGE_GPA, .memory_size = CONPAGE_SIZE,
	};
	struct bus_range range = {
		.base = CONPAGE_GPA, .size = CONPAGE_SIZE, .ops = &conpage_ops,
		.dev = con, .name = "console-page",
	};
	void *page = mmap(NULL, CONPAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (page == MAP_FAILED)
		return diag_fail(d, -errno, NULL, "console page: %m");
	con->page = page;
	con->page[UART_LSR] = UART_LSR_THRE | UART_LSR_TEMT;
	con->page[UART_MSR] = UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	region.userspace_addr = (unsigned long)page;
	/* Without read-only slots reads exit as well: slower, not wrong. */
	if (kvm->readonly_mem) {
		ret = kvm_ioctl_ptr(kvm->vm, KVM_SET_USER_MEMORY_REGION,
				    &region);
		if (ret < 0)
			return diag_fail(d, ret, NULL, "console page: %s",
					 strerror(-ret));
	}
	ret = coalesced_add_mmio(ring, kvm, CONPAGE_GPA + UART_TX, 1, d);
	return ret ? ret : bus_add(mmio, &range, d);
}

void conpage_detach(struct conpage *con)
{
	if (con->page)
		munmap(con->page, CONPAGE_SIZE);
	con->page = NULL;
}
