/// A plug-in that does not say what it is.
#include "portier_plugin.h"

const struct portier_plugin* portier_plugin(void) { return NULL; }
