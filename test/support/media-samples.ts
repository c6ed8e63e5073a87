// Small valid files of every kind that is accepted. Photos are drawn here; what needs a real encoder was made once with
// ffmpeg, heif-enc and ImageMagick from generated pictures, and stands below as base64.

import { deflateSync } from "node:zlib";

import { pngChunk, pngSignature } from "../../src/metadata/png/chunks.ts";

/** A picture of this size, as uncompressed 24-bit BMP, which Bun.Image reads. */
function bitmap(width: number, height: number): Uint8Array<ArrayBuffer> {
  const row = Math.ceil((width * 3) / 4) * 4;
  const bytes = new Uint8Array(54 + row * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      bytes.set([(x * 255) / width, (y * 255) / height, ((x ^ y) & 31) * 8], 54 + y * row + x * 3);
  return bytes;
}

type Bytes = Uint8Array<ArrayBuffer>;
const drawn = (width: number, height: number) => new Bun.Image(bitmap(width, height));
const owned = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);

export const pngPhoto = async (width = 32, height = 24): Promise<Bytes> =>
  owned(await drawn(width, height).png().bytes());
export const jpegPhoto = async (width = 32, height = 24): Promise<Bytes> =>
  owned(await drawn(width, height).jpeg().bytes());
export const webpPhoto = async (width = 32, height = 24): Promise<Bytes> =>
  owned(await drawn(width, height).webp().bytes());

/** A black picture of any size in a few kilobytes: one bit for each pixel. */
export function blackPng(width: number, height: number): Bytes {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const rows = deflateSync(Buffer.alloc((1 + Math.ceil(width / 8)) * height));
  return owned(
    Buffer.concat([
      pngSignature,
      pngChunk("IHDR", header),
      pngChunk("IDAT", rows),
      pngChunk("IEND", Buffer.alloc(0)),
    ]),
  );
}

const decoded = (base64: string) => (): Bytes => owned(Buffer.from(base64, "base64"));

/** Two frames of 6 × 4. */
export const gifPhoto = decoded(
  "R0lGODlhBgAEAPAAAP8AAAAAACH5BAAKAAAAIf8LTkVUU0NBUEUyLjADAQAAACwAAAAABgAEAAACBISPqVcAIfkEAAoAAAAsAAAAAAYABACAAAD/AAAAAgSEj6lXADs=",
);

/** 8 × 8. */
export const heicPhoto = decoded(
  "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAaxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAACAAAAEGlkYXQAAAAAAAgACAAAADhpbG9jAQAAAERAAAIAAQAAAAAAAAHQAAEAAAAAAAAAPgACAAEAAAAAAAAAAQAAAAAAAAAIAAAAOGlpbmYAAAAAAAIAAAAVaW5mZQIAAAEAAQAAaHZjMQAAAAAVaW5mZQIAAAAAAgAAZ3JpZAAAAADXaXBycAAAALVpcGNvAAAAdWh2Y0MBBAgAAAAAAAAAAAAe8AD8/fr6AAAPAyAAAQAXQAEMAf//BAgAAAMAnbgAAAMAAB66AkAhAAEAKkIBAQQIAAADAJ24AAADAAAeoCCBBNluqumubgQEDAgAAAMACAAAAwAIQCIAAQAGRAHBc8GJAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAUaXNwZQAAAAAAAAAIAAAACAAAABBwaXhpAAAAAAMKCgoAAAAaaXBtYQAAAAAAAAACAAECgQIAAgIDhAAAABppcmVmAAAAAAAAAA5kaW1nAAIAAQABAAAARm1kYXQAAAA6KAGvEyFy0kDnKLHcL6IE6osmpPz0xgKkgmxITsW/L7rjoOqM+v/RS9xbonEH3hcgzxZpVbmI5UePcA==",
);

/** 4 × 4. */
/** A HEIC with valid boxes whose coded picture no decoder accepts. */
export function undecodableHeic(): Bytes {
  const bytes = heicPhoto();
  // The first unit of the coded picture, after the header of mdat and the unit's length.
  bytes.fill(0xff, Buffer.from(bytes.buffer).indexOf("mdat") + 10);
  return bytes;
}

export const avifPhoto = decoded(
  "AAAAHGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZgAAAOptZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAABAAAAImlsb2MAAAAAREAAAQABAAAAAAEOAAEAAAAAAAAAHAAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEAAGF2MDEAAAAAamlwcnAAAABLaXBjbwAAABNjb2xybmNseAACAAIABoAAAAAMYXYxQ4EADAAAAAAUaXNwZQAAAAAAAAAEAAAABAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgYIDhAAAACRtZGF0EgAKBRgEfYEIMhEYAAooooQAALATVl9ApOsM/A==",
);

/** H.264, 64 × 48, 0.4 s. */
export const mp4Video = decoded(
  "AAAAIGZ0eXBpc29tAAACAGlzb21pc28yYXZjMW1wNDEAAAAIZnJlZQAAA+htZGF0AAACrgYF//+q3EXpvebZSLeWLNgg2SPu73gyNjQgLSBjb3JlIDE2NCByMzA5NSBiYWVlNDAwIC0gSC4yNjQvTVBFRy00IEFWQyBjb2RlYyAtIENvcHlsZWZ0IDIwMDMtMjAyMiAtIGh0dHA6Ly93d3cudmlkZW9sYW4ub3JnL3gyNjQuaHRtbCAtIG9wdGlvbnM6IGNhYmFjPTEgcmVmPTE2IGRlYmxvY2s9MTowOjAgYW5hbHlzZT0weDM6MHgxMzMgbWU9dW1oIHN1Ym1lPTEwIHBzeT0xIHBzeV9yZD0xLjAwOjAuMDAgbWl4ZWRfcmVmPTEgbWVfcmFuZ2U9MjQgY2hyb21hX21lPTEgdHJlbGxpcz0yIDh4OGRjdD0xIGNxbT0wIGRlYWR6b25lPTIxLDExIGZhc3RfcHNraXA9MSBjaHJvbWFfcXBfb2Zmc2V0PS0yIHRocmVhZHM9MSBsb29rYWhlYWRfdGhyZWFkcz0xIHNsaWNlZF90aHJlYWRzPTAgbnI9MCBkZWNpbWF0ZT0xIGludGVybGFjZWQ9MCBibHVyYXlfY29tcGF0PTAgY29uc3RyYWluZWRfaW50cmE9MCBiZnJhbWVzPTggYl9weXJhbWlkPTIgYl9hZGFwdD0yIGJfYmlhcz0wIGRpcmVjdD0zIHdlaWdodGI9MSBvcGVuX2dvcD0wIHdlaWdodHA9MiBrZXlpbnQ9MTAga2V5aW50X21pbj0xIHNjZW5lY3V0PTQwIGludHJhX3JlZnJlc2g9MCByY19sb29rYWhlYWQ9MTAgcmM9Y3JmIG1idHJlZT0xIGNyZj00MC4wIHFjb21wPTAuNjAgcXBtaW49MCBxcG1heD02OSBxcHN0ZXA9NCBpcF9yYXRpbz0xLjQwIGFxPTE6MS4wMACAAAABEGWIgQAI/9G9lK4YHxPQrh7eXxl54KGFFaC98l/x7pZL6TYY0sbfEf+caL3GiUDjll/RnmJ+u1YFNgBlKII9O//AQ+hB2YFb63XSV7CcOIvRw1j2RayDN+RuKfo+SJL5oYGef/xs0TqAv8Z/AF/thfo8C5ovnZfLqRahBhCmOIp96Pf2P5cVMA0jSdEEZL5E517wJjIZZRXcQ2XRfrXze8bdSur6A5aSoF30UNjG0p2XVsxy0OTZzls0///mn0yqViTgD/wfrD0T9K+LWgdMCfTrluHIKYsMBkiHuirjz/YDpJK9KzlS9NL+TRPy/tmo4J9imuPUjb8Mr0Kc/R//n0BlcjeBwLydzfl9FyQJdBvxAAAAFkGaCC2Iz+Ug0H180y43wewuB/beZl4AAAMPbW9vdgAAAGxtdmhkAAAAAAAAAAAAAAAAAAAD6AAAAZAAAQAAAQAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgAAAl50cmFrAAAAXHRraGQAAAADAAAAAAAAAAAAAAABAAAAAAAAAZAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAABAAAAAAEAAAAAwAAAAAAAkZWR0cwAAABxlbHN0AAAAAAAAAAEAAAGQAAAAAAABAAAAAAHWbWRpYQAAACBtZGhkAAAAAAAAAAAAAAAAAAAoAAAAEABVxAAAAAAALWhkbHIAAAAAAAAAAHZpZGUAAAAAAAAAAAAAAABWaWRlb0hhbmRsZXIAAAABgW1pbmYAAAAUdm1oZAAAAAEAAAAAAAAAAAAAACRkaW5mAAAAHGRyZWYAAAAAAAAAAQAAAAx1cmwgAAAAAQAAAUFzdGJsAAAAwXN0c2QAAAAAAAAAAQAAALFhdmMxAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAEAAMABIAAAASAAAAAAAAAABDExhdmMgbGlieDI2NAAAAAAAAAAAAAAAAAAAAAAAAAAAGP//AAAAN2F2Y0MBZAAK/+EAGWdkAAqscgREewEQAAADABAAAAMAoPEiWEYBAAdo6EODksiw/fj4AAAAABBwYXNwAAAAAQAAAAEAAAAUYnRydAAAAAAAAE2AAABNgAAAABhzdHRzAAAAAAAAAAEAAAACAAAIAAAAABRzdHNzAAAAAAAAAAEAAAABAAAAHHN0c2MAAAAAAAAAAQAAAAEAAAACAAAAAQAAABxzdHN6AAAAAAAAAAAAAAACAAADxgAAABoAAAAUc3RjbwAAAAAAAAABAAAAMAAAAD11ZHRhAAAANW1ldGEAAAAAAAAAIWhkbHIAAAAAAAAAAG1kaXJhcHBsAAAAAAAAAAAAAAAACGlsc3Q=",
);

/** H.264, 64 × 48, 0.4 s. */
export const movVideo = decoded(
  "AAAAFGZ0eXBxdCAgAAACAHF0ICAAAAAId2lkZQAAA+NtZGF0AAACrQYF//+p3EXpvebZSLeWLNgg2SPu73gyNjQgLSBjb3JlIDE2NCByMzA5NSBiYWVlNDAwIC0gSC4yNjQvTVBFRy00IEFWQyBjb2RlYyAtIENvcHlsZWZ0IDIwMDMtMjAyMiAtIGh0dHA6Ly93d3cudmlkZW9sYW4ub3JnL3gyNjQuaHRtbCAtIG9wdGlvbnM6IGNhYmFjPTEgcmVmPTMgZGVibG9jaz0xOjA6MCBhbmFseXNlPTB4MzoweDExMyBtZT1oZXggc3VibWU9NyBwc3k9MSBwc3lfcmQ9MS4wMDowLjAwIG1peGVkX3JlZj0xIG1lX3JhbmdlPTE2IGNocm9tYV9tZT0xIHRyZWxsaXM9MSA4eDhkY3Q9MSBjcW09MCBkZWFkem9uZT0yMSwxMSBmYXN0X3Bza2lwPTEgY2hyb21hX3FwX29mZnNldD0tMiB0aHJlYWRzPTEgbG9va2FoZWFkX3RocmVhZHM9MSBzbGljZWRfdGhyZWFkcz0wIG5yPTAgZGVjaW1hdGU9MSBpbnRlcmxhY2VkPTAgYmx1cmF5X2NvbXBhdD0wIGNvbnN0cmFpbmVkX2ludHJhPTAgYmZyYW1lcz0zIGJfcHlyYW1pZD0yIGJfYWRhcHQ9MSBiX2JpYXM9MCBkaXJlY3Q9MSB3ZWlnaHRiPTEgb3Blbl9nb3A9MCB3ZWlnaHRwPTIga2V5aW50PTI1MCBrZXlpbnRfbWluPTUgc2NlbmVjdXQ9NDAgaW50cmFfcmVmcmVzaD0wIHJjX2xvb2thaGVhZD00MCByYz1jcmYgbWJ0cmVlPTEgY3JmPTQwLjAgcWNvbXA9MC42MCBxcG1pbj0wIHFwbWF4PTY5IHFwc3RlcD00IGlwX3JhdGlvPTEuNDAgYXE9MToxLjAwAIAAAAEPZYiEAEfRvZSuGB8T0K4e3l8ZeeChhRWgvfJf8e6WS+k2GNLG3xH/nGi9xolAcXaSl1Nx/QJXpXBuiK14xzwcuoTo1S/RnFqiwIkUzij0joUzAGJ35otdEoXsL5IkvmhgZ56/nNwnUBf4zxAL/asUlQzlUY+bG8yO8VhsRbUHjPQlTXcwoRc7sjPfhaDMNdyfR5VVtrwBD6Dct0uShaPKp1zGifiNjg6+YSVcy7D/2isKo1m8PRrYtYkgbuv1hfLtOpth0XKyHGMQI0ymXiujdWpbPd8eitjUpJjyxTI+KUclXUt6dbrBabqRQ/7l6yFgc5f60WVhafZkosJM9cX1UWSv7Qhb/i8o/RYwpauSYQAAABNBmiFsRn+G0zPORmbR4b2SwJf+AAAC6G1vb3YAAABsbXZoZAAAAAAAAAAAAAAAAAAAA+gAAAGQAAEAAAEAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAAJ0dHJhawAAAFx0a2hkAAAAAwAAAAAAAAAAAAAAAQAAAAAAAAGQAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAQAAAAABAAAAAMAAAAAAAJGVkdHMAAAAcZWxzdAAAAAAAAAABAAABkAAAAAAAAQAAAAAB7G1kaWEAAAAgbWRoZAAAAAAAAAAAAAAAAAAAKAAAABAAf/8AAAAAAC1oZGxyAAAAAG1obHJ2aWRlAAAAAAAAAAAAAAAADFZpZGVvSGFuZGxlcgAAAZdtaW5mAAAAFHZtaGQAAAABAAAAAAAAAAAAAAAsaGRscgAAAABkaGxydXJsIAAAAAAAAAAAAAAAAAtEYXRhSGFuZGxlcgAAACRkaW5mAAAAHGRyZWYAAAAAAAAAAQAAAAx1cmwgAAAAAQAAAStzdGJsAAAAq3N0c2QAAAAAAAAAAQAAAJthdmMxAAAAAAAAAAEAAAAARkZNUAAAAgAAAAIAAEAAMABIAAAASAAAAAAAAAABDExhdmMgbGlieDI2NAAAAAAAAAAAAAAAAAAAAAAAAAAAGP//AAAANWF2Y0MBZAAK/+EAGGdkAAqs2UR7ARAAAAMAEAAAAwCg8SJZYAEABmjr4OSyLP34+AAAAAAQcGFzcAAAAAEAAAABAAAAGHN0dHMAAAAAAAAAAQAAAAIAAAgAAAAAFHN0c3MAAAAAAAAAAQAAAAEAAAAcc3RzYwAAAAAAAAABAAAAAQAAAAIAAAABAAAAHHN0c3oAAAAAAAAAAAAAAAIAAAPEAAAAFwAAABRzdGNvAAAAAAAAAAEAAAAk",
);

/** VP8, 64 × 48, 0.4 s. */
export const webmVideo = decoded(
  "GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibUKHgQJChYECGFOAZwEAAAAAAAc4EU2bdLpNu4tTq4QVSalmU6yBoU27i1OrhBZUrmtTrIHGTbuMU6uEElTDZ1OsggETTbuMU6uEHFO7a1Osggci7AEAAAAAAABZAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAVSalmoCrXsYMPQkBNgIRMYXZmV0GETGF2ZkSJiEB5AAAAAAAAFlSua8iuAQAAAAAAAD/XgQFzxYgAAAAAAAAAAZyBACK1nIN1bmSIgQCGhVZfVlA4g4EBI+ODhAvrwgDgkLCBQLqBMJqBAlWwhFW5gQESVMNn0XNzzmPAi2PFiAAAAAAAAAABZ8iYRaOHRU5DT0RFUkSHi0xhdmMgbGlidnB4Z8iiRaOIRFVSQVRJT05Eh5QwMDowMDowMC40MDAwMDAwMDAAAB9DtnVFs+eBAKNER4EAAIBQGgCdASpAADAAAEcIhYWIhYSIAgICdbok7X4X+Fv6vfATSH419if1ZyxfhP+X/kZ/S/YB/AHsAf0B/jf4PcAH9If6//GuEB/u39V6wH0Af139GT+nf3T4O/1T/zX93+Ar+LfyL5/9IB7Mv6x+G3QaeteTo+0fjpolP5r+NmWZfIv7F+QGjAa9D/GfYD8Kuid4+/4H89+Av+D/yT/CflL/cv//ygP6HcUNeRWeYBJpIjfA1rtnHvbVDMNKT1qfIlzXrT5lfc0PngXQHe/xYwcMs9DCSQz+t5Ub7UwA/v/xbgPBv5XBvz9aw07ye5DFwGzmWTC8Nat409urN3C9UgxOLzKlW3+TyQ7uRJV4juRouB/8dLqSK0NpcXrR7ZVeH7EMfNMyQo9DHLK1wvjNmJBmCHlB1ULA+ufoJ1gUlWWae0ZvH6iJE7HoJ5vtIBYiZZrcmtyN6CFVPKxAjNcpRXu0AQnjzGCd+jseuq1klGzlkxwuSqLRR5xzoouoqf/+eb11BovvsNk+UM8Jx4/qPOa7QpxL0H2lDjtBgwLp3wjnCtaI/JlrayqMgtEcR05J2LiZgXfPdEGR/pq8852YL7Eo92CSkwYzafNXy/sAwT+MNrOdTHX/hpjncMb/+NK2/te/9WMOh/5a7BmpVxcdME/r2bzxL286D0t4g1wZYnroWepTCaffnmMHFUbyvxF5WaeDZRmS4sEq0M5DY/J8/1Ur//2QVJy44tHqDH1nU/g2J4gBuyHgBuyHgE4NBN6grJyH4eRy88FJcEBDQVgBCtABCtBRn/y6MM/4I9JmYIX/6VukYOdLpJLTT9iGoilUU9EyIkb3W35OK2c/fwNl2mXZX1rWiwBRj0VOZ5RtkpxjafE1mC3Y0JAkf//WX9F7QLvGEomznwQHhwcwoaRQ7ZX/Kf+9QzH917XudV1zv/9tDuoI8mitwl5kZbCfizlpzsXArI0IF9CSo7O38aYYLP7YWjs/DSSr3jig2kLz5mzL/gdDQn4o1MaPeHjrhxv/+hysJ45ql2EOu54793tMUrBf0Q3P3k0jVLesoMfg3b4/g8SbhJHiEMWWha29npwJPAePasVFHIPDKU/T/ib0ZtdlDxgeQUiL3RiXS9gZcVzv/aDT0h0looZII1wTIww6AsiJOhEBBkdn62wCgzfkWUuQ78mUWkv1cgXJRRke6CBEsUQ7O6cEwxJVef7R6rW6hfOK8wnq4mQt3syCl/Nwf7rcTkaJHLTuYBGPQRq4BDU1FqNuXswTHPX21elP/S+5m+lhvD13kCCo/oNNWfjtM8xncjw+kI8Ne+adPX8bieasp0cS5iE//8/C0IPwb6XDDIratU4zHe8YeB5Zv/OIVj+xLynviybz5xCtIIkdtqvnLYpb5oYYunL/mmhjRLatE4rxq0/owKyZX6gNYAMU7jcZcJF8fS5hfiHDo3Lv/XH/52HNwKNBY4EAyADRBgAGEBAAHp8Vaj+ju/8L/5pfv//ivqA+P/u//tm3dn/8+uXb7Spaf89YMmnlgD6ujgllxgJsSABpxRkVbhlcZQBBqbAAE2eeeAAAAoglIA78pQMNzrTqC8/ycEZIGsetmnvBQJgOU/62fgLjVk7Ez/wWLto+n/k9pbsRthLRm6x8ZbJuk/+vkZYOz6L4AW97FYh1LIJbBy6NPiLK9PRn59Dl1wFBtloiN7LT1yVQcm3tuGJVRkFqRrBteN12VRswZEZCyNcsRjL1BH7865GMKIrQyEGH/ynpGSpZ8gsMTfHsBt7+GvstgICDLxejy+BgBZDDHHUnzplavtfc6w/823lvg1/y4Mif/C+aGZGnJM9RcFk/PdU0a4J8xcqlIV/yW/b+V/DfWOQj5waAV9PZz7HyYW6iMfXyffF7202oEa1W+YO+LqoDyMzsjF5nVmbvbb+DAR0ReNM9HYywO4AcU7trkbuPs4EAt4r3gQHxggFp8IED",
);

/** VP8, 64 × 48, 0.4 s. */
export const mkvVideo = decoded(
  "GkXfo6NChoEBQveBAULygQRC84EIQoKIbWF0cm9za2FCh4EEQoWBAhhTgGcBAAAAAAAHVhFNm3TAv4TXptqFTbuLU6uEFUmpZlOsgaFNu4tTq4QWVK5rU6yBzE27jFOrhBJUw2dTrIIBH027jFOrhBxTu2tTrIIHOuwBAAAAAAAAUwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAFUmpZqa/hNWPkj0q17GDD0JATYCETGF2ZldBhExhdmZEiYhAeQAAAAAAABZUrmvOv4RNIKGwrgEAAAAAAAA/14EBc8WIAAAAAAAAAAGcgQAitZyDdW5kiIEAhoVWX1ZQOIOBASPjg4QL68IA4JCwgUC6gTCagQJVsIRVuYEBElTDZ9e/hNzBc0hzc85jwItjxYgAAAAAAAAAAWfImEWjh0VOQ09ERVJEh4tMYXZjIGxpYnZweGfIokWjiERVUkFUSU9ORIeUMDA6MDA6MDAuNDAwMDAwMDAwAAAfQ7Z1Rbm/hJfHpfvngQCjREeBAACAUBoAnQEqQAAwAABHCIWFiIWEiAICAnW6JO1+F/hb+r3wE0h+NfYn9WcsX4T/l/5Gf0v2AfwB7AH9Af43+D3AB/SH+v/xrhAf7t/VesB9AH9d/Rk/p390+Dv9U/81/d/gK/i38i+f/SAezL+sfht0GnrXk6PtH46aJT+a/jZlmXyL+xfkBowGvQ/xn2A/CronePv+B/PfgL/g/8k/wn5S/3L//8oD+h3FDXkVnmASaSI3wNa7Zx721QzDSk9anyJc160+ZX3ND54F0B3v8WMHDLPQwkkM/reVG+1MAP7/8W4Dwb+Vwb8/WsNO8nuQxcBs5lkwvDWreNPbqzdwvVIMTi8ypVt/k8kO7kSVeI7kaLgf/HS6kitDaXF60e2VXh+xDHzTMkKPQxyytcL4zZiQZgh5QdVCwPrn6CdYFJVlmntGbx+oiROx6Ceb7SAWImWa3JrcjeghVTysQIzXKUV7tAEJ48xgnfo7HrqtZJRs5ZMcLkqi0Uecc6KLqKn//nm9dQaL77DZPlDPCceP6jzmu0KcS9B9pQ47QYMC6d8I5wrWiPyZa2sqjILRHEdOSdi4mYF3z3RBkf6avPOdmC+xKPdgkpMGM2nzV8v7AME/jDaznUx1/4aY53DG//jStv7Xv/VjDof+WuwZqVcXHTBP69m88S9vOg9LeINcGWJ66FnqUwmn355jBxVG8r8ReVmng2UZkuLBKtDOQ2PyfP9VK//9kFScuOLR6gx9Z1P4NieIAbsh4Absh4BODQTeoKych+HkcvPBSXBAQ0FYAQrQAQrQUZ/8ujDP+CPSZmCF/+lbpGDnS6SS00/YhqIpVFPRMiJG91t+TitnP38DZdpl2V9a1osAUY9FTmeUbZKcY2nxNZgt2NCQJH//1l/Re0C7xhKJs58EB4cHMKGkUO2V/yn/vUMx/de17nVdc7//bQ7qCPJorcJeZGWwn4s5ac7FwKyNCBfQkqOzt/GmGCz+2Fo7Pw0kq944oNpC8+Zsy/4HQ0J+KNTGj3h464cb//ocrCeOapdhDrueO/d7TFKwX9ENz95NI1S3rKDH4N2+P4PEm4SR4hDFloWtvZ6cCTwHj2rFRRyDwylP0/4m9GbXZQ8YHkFIi90Yl0vYGXFc7/2g09IdJaKGSCNcEyMMOgLIiToRAQZHZ+tsAoM35FlLkO/JlFpL9XIFyUUZHuggRLFEOzunBMMSVXn+0eq1uoXzivMJ6uJkLd7MgpfzcH+63E5GiRy07mARj0EauAQ1NRajbl7MExz19tXpT/0vuZvpYbw9d5AgqP6DTVn47TPMZ3I8PpCPDXvmnT1/G4nmrKdHEuYhP//PwtCD8G+lwwyK2rVOMx3vGHgeWb/ziFY/sS8p74sm8+cQrSCJHbar5y2KW+aGGLpy/5poY0S2rROK8atP6MCsmV+oDWADFO43GXCRfH0uYX4hw6Ny7/1x/+dhzcCjQWOBAMgA0QYABhAQAB6fFWo/o7v/C/+aX7//4r6gPj/7v/7Zt3Z//Prl2+0qWn/PWDJp5YA+ro4JZcYCbEgAacUZFW4ZXGUAQamwABNnnngAAAKIJSAO/KUDDc606gvP8nBGSBrHrZp7wUCYDlP+tn4C41ZOxM/8Fi7aPp/5PaW7EbYS0ZusfGWybpP/r5GWDs+i+AFvexWIdSyCWwcujT4iyvT0Z+fQ5dcBQbZaIjey09clUHJt7bhiVUZBakawbXjddlUbMGRGQsjXLEYy9QR+/OuRjCiK0MhBh/8p6RkqWfILDE3x7Abe/hr7LYCAgy8Xo8vgYAWQwxx1J86ZWr7X3OsP/Nt5b4Nf8uDIn/wvmhmRpyTPUXBZPz3VNGuCfMXKpSFf8lv2/lfw31jkI+cGgFfT2c+x8mFuojH18n3xe9tNqBGtVvmDvi6qA8jM7IxeZ1Zm722/gwEdEXjTPR2MsDuAHFO7a5e/hG6MroS7j7OBALeK94EB8YIBe/CBCQ==",
);

/** H.263, 176 × 144. */
export const threeGpVideo = decoded(
  "AAAAHGZ0eXAzZ3A0AAACADNncDRpc29taXNvMgAAAAhmcmVlAAAHLW1kYXQAAIACCB8mICAgIf/+1IPmlEg+aUWgMsYSxHRC12otvzr59WxEIsiVRl++X4DhgVL4fKy71EsRrBGiUdbUT2JxPNTU1YdtrZ3Vtt7afKnPjRSc+NFPW+eEbyRzMp0inS/wYANBhPwGIAwcz+/wzL6WF43pYXjYrCeEfyVzORjJGROmzZRZK2ddRt6QVTiqMu/1RM+/LsEYaMMEtUXK6PqOvQRqlHfUb29Vt/N1O383MBkdj8RolKHz6+vr6///mICAgIf/+2IPmnxX9iIxYgiWrUTGftIjdTD28PNRcPlKsD9a81CVvVRSozVRSozX00hhDBgwZWiBi/502pqamrK3ipz40UnPjRT1vnhG8kczKdIp0v8GADQYT8BiAMHM/v8My+lheN6WF42KwnhH8ldORkZGRNSJq4qjKi4qjKio03ehDBg/r6IGLAnOHRX7eu2/m1GmEkuUYrjXwYv+HGFJI62GaAfF9vgPVjsSLFpyfX19fX//8ogICCUEH6gfUC46Qtlh///2tkrVgfH+sNeSQctkNVt+N1UwGZ0JQjIxY3qopUZqopUZr6aRAhgwYN9EDF/zptTU1NWVvFTnxopOfGinrfPCN5I5mU6RTpf4MAGgwn4DEAYOZ/f4Zl9LC8b0sLxsVhPCP5K6cjIyMiakTVxVGVFxVGVFRpu9CGDB/X0QMWBObqJqoHpcoXEAZqJB400BnjCUI6IWV5LMtlbhzrlQDfYrnwMwt8Nj3X//9xCSAN+B33gMQto2jhDCEu6P1aXAIDoXf/+12/G6rb8bqpgMzoShGRixvVRSozVRSozX00iBDBgwb6IGL/nTampqasreKnPjRSc+NFPW+eEbyRzMp0inS/wYANBhPwGIAwcz+/wzL6WF43pYXjYrCeEfyV05GRkZE1InTiqMqLiqMs0A+rHZcPB5Wh7qla7nGxkr/N1Yl+vxLV4BYGLAnO1Eg8aWIpn54vzVeqB4BabVOlh4g8abn2pd6+/1ai6qcEH2j6gWz5QVV/WPfin3/Lywa9f//3ENAvBg/wvBh/34xENAvBg/wvBh/34x//9rt+N1W343VTAZnQlCMjFjeqilRmqilRmvppECGDBg30QMX/Om1NTU1ZW8VOfGik58aKet88I3kjmZTpFOl/gwAaDCfgMQBg5n9/hmX0sLxvSwvGxWE8I/krpyMjIyJqRPcVRlAEiWD70sy9bAq9xVGUASLaPvW3b1sCr2RWbhaDB/Q/BiAMHLAjoCuUEMSrnIB/UwOEBEHjSArtBDEqbygf1ODhARB409xwixJ8HMApiHWIdf//3EMUS5g/VgV0CPReITIBvsVz4GYWwbAEf/+12/G6rb8bqpgMzoShGRixvVRSozVRSozX00iBDBgwb6IGL/nTampqasreKnPjRSc+NFPW+eEbyRzMp0inS/wYANBhPwGIAwcz+/wzL6WF43pYXjYrCeEfyV05GRkZE1ImziqMs0A+qHRcPB5Gh7qle7nGxk4qjKir/N1Yl/vhLV4BYGLAnOFiKb+fL81VqgeAXmVTpYeIPGlEg8abn2pd+//1ai6o1aolq0tGnWjhD+oH3046Qtgqj/X//7sQVAD/KS7WfdaYZHNIjgD6YZpdH4Fi0VOSh8sPfE7rb8bqroeZT9sfe6XK6wMFYuL1UjbJK7qopUZuj9F756KolF4GC1ygP/xWXfnu24VuctTVFD0kgQCaMFAXgYLXWwKAvAwWudHPjRSzwf4wWipiBQgWLRVi0Si8DBa5kir+TjDnJTpMoKECxaKrwAiDCACiHo95qgs0mZaXK1hg70sLxu1HhLOQuTjI+BQlwGSx7bFX5ZxlzmRkXQeErICEnLBWwAwPyXAZLHmClzVxVGVFSirDKU7AoS4DJY+xEuX5f+xrhU5uokHjSmhRXhiDpeqJ8YuHV6TOosA3/fKlu3rNTJoDl/3XN/H1/b+q+1MK6YGBCALlgri9dMgf8TvYH/71ayrUaOV98DFGiY7Vc+hfgvkb74GPoH219VqNCd1U5lyrrGtJHkOxeDV0c5qZmhyrPkzxrsXg1RpYvBqplJqJUVajSMUfAxRot2xeDUiZKCnkVHwMVA+si71rpENbCd8u53dPSwn/5Yu6wsq1Ghc96s42cuywnQZ+Lwa61lWo0VnshmhnewnRd3KtRpIBmZVGRbtc5qfAZiF2dgPUszA7qfAZ8hc4j3wGfIXU7t6YgICAh/v7Ug+aUiD5pRaXYo/EeJCl7iH+qzropUZUW+8pHC/LtEYaTsEv5eqo+o7/RGqTuVFKdm1NTc1ZG2VOfGik58aKex98I3kjmZTpFOl/gwAaDCfgMQBg5n9AhmX0sLxvSwvGxSF8I/krpyMjIx5sSNnFUZa/q8I4rviGqdlZeBgatIKDw/L6P7dVVqRnJnUbm9Nt/N1W383LOPB+I0SlD59fX19f+/gAAAAoRtb292AAAAbG12aGQAAAAAAAAAAAAAAAAAAAPoAAAAyAABAAABAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAACEHRyYWsAAABcdGtoZAAAAAMAAAAAAAAAAAAAAAEAAAAAAAAAyAAAAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAEAAAAAAsAAAAJAAAAAAACRlZHRzAAAAHGVsc3QAAAAAAAAAAQAAAMgAAAAAAAEAAAAAAYhtZGlhAAAAIG1kaGQAAAAAAAAAAAAAAAAAACgAAAAIAFXEAAAAAAAtaGRscgAAAAAAAAAAdmlkZQAAAAAAAAAAAAAAAFZpZGVvSGFuZGxlcgAAAAEzbWluZgAAABR2bWhkAAAAAQAAAAAAAAAAAAAAJGRpbmYAAAAcZHJlZgAAAAAAAAABAAAADHVybCAAAAABAAAA83N0YmwAAACPc3RzZAAAAAAAAAABAAAAf3MyNjMAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAsACQAEgAAABIAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAY//8AAAAPZDI2M0ZGTVAACgAAAAAKZmllbAEAAAAAEHBhc3AAAAABAAAAAQAAABhzdHRzAAAAAAAAAAEAAAABAAAIAAAAABxzdHNjAAAAAAAAAAEAAAABAAAAAQAAAAEAAAAUc3RzegAAAAAAAAclAAAAAQAAABRzdGNvAAAAAAAAAAEAAAAs",
);

/** MPEG-1 programme stream, 64 × 48. */
export const mpegVideo = decoded(
  "AAABuiEAAQABwzNnAAABuwAJwzNnACH/4ODmAAAB4AHPMQADe7ERAANfkQAAAbMEADAT///gGAAAAbgACABAAAABAAAP//gAAAEB+/h99eLLGKx982LLxSOnmX6B/e16Wwm88omYNTvzkGD78LfPL6DfPr9WTfaEID4cRb/VN89voV8+v5HTfmxCA+HXiLKZevs9+Zr7gQwwDBfxh+EANL9V+YPvvCiakNQyVjDRMAAAAQL788AhAJsArxG99Lvm4BqATYBXiN76Remm+HIQHw6/n98+voN8+v0pN+vEID4df6pvn19Bvn1/Iqb8zIQHw6/n97AAzASB5EvH3rQDMBIAjIl+lJv14hAfDoAAAAED+/OkMsajoY8WBy+sPfAeQkceAdX1FJCZee+d2DPl7k+7ii0lfb/YaIurFuZefAKwHhPA5drFa8sAWIH8nEC/Qy+QjNyffPkzkJbbiz7+qIJjmk6+dgNhZOvp2Dfh188Ab8VfHJwDsficQLyMtwMKAP7437XpyaGAN0u7KY4DtWWWOXe7AD9I5BPIN9BulwnvfrIGC0Z8rJHwAAABAABX//iAAAABAfqHgHUADgnwBuRFTVgA9qXBoAYGoBgAAAEC+qwAe1WAD2qwAe1WAD2AAAABA/rQAO5tAx/9VgHqoAAAAb4GCg////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////8=",
);

/** RIFF header, stream headers and one empty chunk: as much of an AVI as its first bytes tell. */
export function aviVideo(): Bytes {
  const chunk = (id: string, ...parts: Uint8Array[]) => {
    const body = Buffer.concat(parts);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(body.length);
    return Buffer.concat([Buffer.from(id, "latin1"), size, body]);
  };
  const list = (type: string, ...parts: Uint8Array[]) => chunk("LIST", Buffer.from(type, "latin1"), ...parts);
  const stream = list(
    "strl",
    chunk("strh", Buffer.from("vidsMJPG", "latin1"), Buffer.alloc(48)),
    chunk("strf", Buffer.alloc(40)),
  );
  const header = list("hdrl", chunk("avih", Buffer.alloc(56)), stream);
  return owned(
    chunk("RIFF", Buffer.from("AVI ", "latin1"), header, list("movi", chunk("00dc", Buffer.alloc(8)))),
  );
}
