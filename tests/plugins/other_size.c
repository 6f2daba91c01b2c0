/// A plug-in whose idea of its own struct is another one.
#include "portier_plugin.h"

static void take(void* state, const struct portier_plugin_burst* burst) {
  (void)state;
  (void)burst;
}

static const struct portier_plugin described = {
    PORTIER_PLUGIN_ABI, sizeof(struct portier_plugin) - 8, "other", NULL, take, NULL};

const struct portier_plugin* portier_plugin(void) { return &described; }
