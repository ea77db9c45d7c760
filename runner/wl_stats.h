/* SPDX-License-Identifier: GPL-2.0-only */
/* wl_stats: the figures that thresholds over workers are about; pure. */
#ifndef VMTAP_RUNNER_WL_STATS_H
#define VMTAP_RUNNER_WL_STATS_H

#include <stddef.h>

/**
 * wl_spread() - largest less smallest
 * @lo, @hi: which they are; set where @n is not 0
 * Return: 0 for fewer than two.
 */
double wl_spread(const double *v, size_t n, size_t *lo, size_t *hi);
/** wl_cv() - standard deviation (of all, not of a sample) over the mean; 0 for a mean of 0 */
double wl_cv(const double *v, size_t n);
/** wl_ratio() - @a / @b, 0 where @b is 0 */
double wl_ratio(double a, double b);

#endif
