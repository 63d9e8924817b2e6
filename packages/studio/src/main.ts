/** The app starts here. */

import { mount } from "svelte";
import App from "./App.svelte";
import { tokenParameter } from "@relprop/engine/protocol";
import { registerServiceWorker } from "./service-worker.ts";

const place = document.getElementById("app");
if (place) mount(App, { target: place });
// What `relprop studio` serves needs no worker: it is on this machine, and its headers are right.
const isServedLocally = new URLSearchParams(location.search).has(tokenParameter);
if (import.meta.env.PROD && !isServedLocally) void registerServiceWorker();
