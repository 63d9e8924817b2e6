/** The app starts here. */

import { mount } from "svelte";
import App from "./App.svelte";
import { registerServiceWorker } from "./service-worker.ts";
import "./style.css";

const place = document.getElementById("app");
if (place) mount(App, { target: place });
if (import.meta.env.PROD) void registerServiceWorker();
