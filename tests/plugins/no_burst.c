/// A plug-in that takes nothing.
#include "portier_plugin.h"

static const struct portier_plugin described = {
    PORTIER_PLUGIN_ABI, sizeof(struct portier_plugin), "none", NULL, NULL, NULL};

const struct portier_plugin* portier_plugin(void) { return &described; }
