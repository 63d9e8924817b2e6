/** Entry point of the app. */

import { mount } from "svelte";
import App from "./App.svelte";
import { tokenParameter } from "@relprop/engine/protocol";
import { registerServiceWorker } from "./service-worker.ts";

const place = document.getElementById("app");
if (place) mount(App, { target: place });
// `relprop studio` needs no service worker: its files are local and its headers already set.
const isServedLocally = new URLSearchParams(location.search).has(tokenParameter);
if (import.meta.env.PROD && !isServedLocally) void registerServiceWorker();
