// See gloo/context.h: c10d reads this header and needs nothing of it.
#pragma once
