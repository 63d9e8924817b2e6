#!/usr/bin/env node
// oxlint-disable-next-line import/no-unassigned-import -- the command runs when it is loaded
import "../dist/main.js";
