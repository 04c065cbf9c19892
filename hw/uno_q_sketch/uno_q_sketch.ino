// The microcontroller's half of the UNO Q display: shows the pictures and lamp colours that
// the daemon sends through the board's router. The other half, and the description of the
// protocol, is hw/uno_q.py; raise PROTOCOL in both when a message changes.
//
// Build and upload:
//   arduino-cli compile --fqbn arduino:zephyr:unoq hw/uno_q_sketch
//   arduino-cli upload  --fqbn arduino:zephyr:unoq --port /dev/ttyHS1 hw/uno_q_sketch

#include <Arduino_LED_Matrix.h>
#include <Arduino_RouterBridge.h>

#include <vector>

static const int PROTOCOL = 1;
static const int FIRMWARE = 1;
static const int ROWS = 8;
static const int COLUMNS = 13;
static const int LEVELS = 8;
static const size_t FRAME_BYTES = ROWS * COLUMNS / 2;
static const size_t STATE_BYTES = 8;
static const unsigned long OFFLINE_MS = 30000;
static const unsigned long BLINK_MS = 1000;

// One entry per lamp and channel, in the order of the state message. The lamps are wired to
// the supply, so a low pin lights them, and they know only on and off.
static const int LAMP_PINS[6] = {LED3_R, LED3_G, LED3_B, LED4_R, LED4_G, LED4_B};
static const uint8_t LAMP_THRESHOLD = 16;

static Arduino_LED_Matrix matrix;
static uint8_t picture[ROWS * COLUMNS];
static unsigned long heardAt = 0;
static bool asleep = false;
static bool offlineShown = false;

static void heard() {
  heardAt = millis();
  offlineShown = false;
  asleep = false;
}

static void lamps(const uint8_t *colours) {
  for (int index = 0; index < 6; ++index) {
    digitalWrite(LAMP_PINS[index], colours[index] >= LAMP_THRESHOLD ? LOW : HIGH);
  }
}

static void darken() {
  static const uint8_t dark[6] = {0};
  memset(picture, 0, sizeof picture);
  matrix.draw(picture);
  lamps(dark);
}

// ind.hello() -> [protocol, firmware, rows, columns, levels]
static MsgPack::arr_t<int> hello() {
  return {PROTOCOL, FIRMWARE, ROWS, COLUMNS, LEVELS};
}

// ind.state(LED3 r g b, LED4 r g b, sequence of the last frame as u16) -> true
static bool state(std::vector<uint8_t> message) {
  if (message.size() != STATE_BYTES) {
    return false;
  }
  heard();
  lamps(message.data());
  return true;
}

// ind.frame(sequence, two levels per byte, the left pixel in the high half)
static void frame(int sequence, std::vector<uint8_t> packed) {
  (void)sequence;
  if (packed.size() != FRAME_BYTES) {
    return;
  }
  heard();
  for (size_t index = 0; index < FRAME_BYTES; ++index) {
    picture[2 * index] = packed[index] >> 4;
    picture[2 * index + 1] = packed[index] & 0x0F;
  }
  matrix.draw(picture);
}

// ind.clear() -> true; dark until the next message, without the offline sign
static bool clear() {
  darken();
  asleep = true;
  return true;
}

// The daemon is silent: nothing but one blinking corner, so that nobody trusts an old picture.
static void showOffline(unsigned long now) {
  if (!offlineShown) {
    darken();
    offlineShown = true;
  }
  uint8_t wanted = (now / BLINK_MS) % 2 ? LEVELS - 1 : 0;
  if (picture[0] != wanted) {
    picture[0] = wanted;
    matrix.draw(picture);
  }
}

void setup() {
  for (int pin : LAMP_PINS) {
    pinMode(pin, OUTPUT);
  }
  matrix.begin();
  matrix.setGrayscaleBits(3);
  darken();
  Bridge.begin();
  // The safe form runs handlers in loop(), the only place that may draw.
  Bridge.provide_safe("ind.hello", hello);
  Bridge.provide_safe("ind.state", state);
  Bridge.provide_safe("ind.frame", frame);
  Bridge.provide_safe("ind.clear", clear);
  Bridge.notify("ind.ready");
}

void loop() {
  unsigned long now = millis();
  if (!asleep && now - heardAt > OFFLINE_MS) {
    showOffline(now);
  }
  delay(5);
}
