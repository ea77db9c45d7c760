// SPDX-License-Identifier: GPL-2.0-only
/* Weak stand-ins until their files land; deleted then. */
#include "runner/accel.h"
#include "runner/doctor.h"
#include <stdio.h>
#include <errno.h>
#include <string.h>
__attribute__((weak)) int doctor_verb(int c,char**v){return 0;}
#include "runner/verbs.h"
#include "runner/preflight.h"
__attribute__((weak)) int cmd_compare(int c,char**v){return 70;}
__attribute__((weak)) int cmd_eval(int c,char**v){return 70;}
__attribute__((weak)) int cmd_merge(int c,char**v){return 70;}
__attribute__((weak)) int cmd_show(int c,char**v){return 70;}
__attribute__((weak)) int preflight_check(const struct preflight*p,struct diag*d){return 0;}
__attribute__((weak)) int preflight_config(const struct preflight*p,const char*w,char*r,size_t l){return -ENODATA;}
