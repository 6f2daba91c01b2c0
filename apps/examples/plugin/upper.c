/// A plug-in in C: answers every UDP datagram with its text in capitals, behind a greeting if there is one.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portier_plugin.h"

enum { max_text = 1400 };

struct upper {
  char text[max_text]; /* the answer under way; greeting first */
  size_t greeting;     /* bytes */
};

static void* refuse_option(const struct portier_plugin_setup* setup, const char* key, struct upper* upper) {
  snprintf(setup->error, setup->error_size, "there is no option \"%s\", or it is too long; it takes greeting", key);
  free(upper);
  return NULL;
}

static void* upper_init(const struct portier_plugin_setup* setup) {
  struct upper* upper = calloc(1, sizeof *upper);
  if (upper == NULL) return NULL;
  for (size_t i = 0; i < setup->option_count; ++i) {
    const char* value = setup->options[i].value;
    if (strcmp(setup->options[i].key, "greeting") != 0 || strlen(value) > 100)
      return refuse_option(setup, setup->options[i].key, upper);
    upper->greeting = strlen(value);
    memcpy(upper->text, value, upper->greeting);
  }
  return upper;
}

static void upper_on_burst(void* state, const struct portier_plugin_burst* burst) {
  struct upper* upper = state;
  for (size_t i = 0; i < burst->count; ++i) {
    const struct portier_plugin_packet* packet = &burst->packets[i];
    size_t length = upper->greeting + packet->payload_length;
    if (length > max_text) {
      burst->calls->refuse(burst, i);
      continue;
    }
    for (size_t at = 0; at < packet->payload_length; ++at)
      upper->text[upper->greeting + at] = (char)toupper(packet->payload[at]);
    burst->calls->answer(burst, i, upper->text, length);
  }
}

const struct portier_plugin* portier_plugin(void) {
  static const struct portier_plugin upper = {
      PORTIER_PLUGIN_ABI, sizeof upper, "upper", upper_init, upper_on_burst, free,
  };
  return &upper;
}
