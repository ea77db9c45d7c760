// SPDX-License-Identifier: GPL-2.0-only
/* Spread, variation, ratios; see wl_stats.h. */
#include "runner/wl_stats.h"

double wl_ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

double wl_spread(const double *v, size_t n, size_t *lo, size_t *hi)
{
	size_t i;

	if (!n)
		return 0;
	*lo = 0;
	*hi = 0;
	for (i = 1; i < n; i++) {
		if (v[i] < v[*lo])
			*lo = i;
		if (v[i] > v[*hi])
			*hi = i;
	}
	return v[*hi] - v[*lo];
}

/* By Newton: no library of mathematics for one root. */
static double root(double x)
{
	double r = x > 1 ? x : 1;
	int i;

	if (x <= 0)
		return 0;
	for (i = 0; i < 200; i++) {
		double next = (r + x / r) / 2;

		if (next >= r)
			break;
		r = next;
	}
	return r;
}

double wl_cv(const double *v, size_t n)
{
	double sum = 0, squares = 0, mean;
	size_t i;

	for (i = 0; i < n; i++)
		sum += v[i];
	mean = wl_ratio(sum, (double)n);
	for (i = 0; i < n; i++)
		squares += (v[i] - mean) * (v[i] - mean);
	return wl_ratio(root(wl_ratio(squares, (double)n)), mean);
}
