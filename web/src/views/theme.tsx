import { useState } from "preact/hooks";

const KEY = "forebay.theme";
const CHOICES = ["system", "light", "dark"] as const;
type Theme = (typeof CHOICES)[number];

function stored(): Theme {
  return CHOICES.find((choice) => choice === localStorage.getItem(KEY)) ?? "system";
}

const DARK = matchMedia("(prefers-color-scheme: dark)");
DARK.addEventListener("change", () => applyTheme());

/** Tells the style sheet; charts, which draw their colours themselves, listen to this event. */
export function applyTheme(theme: Theme = stored()): void {
  localStorage.setItem(KEY, theme);
  const ofSystem = DARK.matches ? "dark" : "light";
  document.documentElement.dataset.theme = theme === "system" ? ofSystem : theme;
  dispatchEvent(new Event("themechange"));
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(stored());
  return (
    <label class="theme">
      <span>Colours</span>
      <select
        value={theme}
        onChange={(event) => {
          const chosen = event.currentTarget.value as Theme;
          setTheme(chosen);
          applyTheme(chosen);
        }}
      >
        {CHOICES.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    </label>
  );
}
