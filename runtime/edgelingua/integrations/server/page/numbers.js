// Numbers as people read them.
export function tokens(number) {
  return `${number.toLocaleString("en")} ${number === 1 ? "token" : "tokens"}`;
}

export function duration(seconds) {
  if (seconds < 0) return `−${duration(-seconds)}`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
