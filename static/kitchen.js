// The board by the oven: nobody touches it. Each file of kitchen/ knows one thing; this one starts them.
import "./kitchen/ages.js";
import "./kitchen/arrivals.js";
import "./kitchen/bumps.js";
import "./kitchen/keys.js";
import "./kitchen/pages.js";
import "./kitchen/pointer.js";
import "./kitchen/screen.js";
