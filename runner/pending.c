// SPDX-License-Identifier: GPL-2.0-only
/* Weak stand-ins until their files land; deleted then. */
#include "runner/doctor.h"
#include <stdio.h>
#include <errno.h>
#include <string.h>
__attribute__((weak)) int doctor_verb(int c,char**v){return 0;}
