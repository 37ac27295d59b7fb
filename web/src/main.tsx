import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";

import { render } from "preact";

import { Live } from "./model/live";
import { App } from "./views/app";
import { applyTheme } from "./views/theme";

applyTheme();
const live = new Live();
live.start();
render(<App live={live} />, document.getElementById("app")!);
