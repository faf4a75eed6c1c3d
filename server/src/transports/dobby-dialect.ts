/** Dobby's own protocol (docs/protocol.md): each frame is a JSON object. */
import type { StateContent, UpdateContent } from '../core/wire/content.js';
import { decodeJson } from './decode.js';
import type { Dialect } from './dialect.js';

/** The dialect of Dobby's own clients. */
export const DOBBY: Dialect = {
  write(content) {
    switch (content.type) {
      case 'update':
        return updateText(content);
      case 'state':
        return stateText(content);
      case 'feature':
        return content.content.json ?? JSON.stringify(content.content);
      default:
        return JSON.stringify(content);
    }
  },
  open: decodeJson,
  read: decodeJson,
};

function updateText({ path, key, text, position }: UpdateContent): string {
  const keyed = key === null ? '' : `"key":${JSON.stringify(key)},`;
  const head = `{"path":${JSON.stringify(path)},${keyed}"message":${text}`;
  return position === null
    ? `${head}}`
    : `${head},"position":{"epoch":"${position.epoch}","offset":${position.offset}}}`;
}

function stateText({ entries, isPartial, first, last, path, position }: StateContent): string {
  const head = JSON.stringify({ type: 'state', path, position });
  const list = entries.map(({ key, text }) => `{"key":${JSON.stringify(key)},"message":${text}}`).join();
  const end = JSON.stringify({ first, last, ...(isPartial && { partial: true }) });
  return `${head.slice(0, -1)},"entries":[${list}],${end.slice(1)}`;
}
