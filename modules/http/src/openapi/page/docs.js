// Draws openapi.json. All text goes in as text, never as markup.
'use strict';

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'trace'];

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

function resolve(spec, value) {
  const seen = new Set();
  while (value && value.$ref && !seen.has(value.$ref)) {
    seen.add(value.$ref);
    value = value.$ref.slice(2).split('/').reduce(
      (at, key) => (at || {})[key.replace(/~1/g, '/').replace(/~0/g, '~')], spec);
  }
  return value || {};
}

// The type of a schema in a few words: `integer`, `Order`, `array of Order`.
function typeOf(spec, schema) {
  if (!schema || schema === true) return 'anything';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.enum) return schema.enum.map((it) => JSON.stringify(it)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const several = schema.oneOf || schema.anyOf;
  if (several) return several.map((it) => typeOf(spec, it)).join(' | ');
  if (schema.type === 'array') return 'array of ' + typeOf(spec, schema.items);
  const type = [].concat(schema.type || 'anything').join(' | ');
  return schema.format ? `${type} (${schema.format})` : type;
}

const CONSTRAINTS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength',
  'minItems', 'maxItems', 'pattern', 'default'];

function constraints(schema) {
  const given = CONSTRAINTS.filter((key) => schema && schema[key] !== undefined);
  return given.map((key) => `${key} ${JSON.stringify(schema[key])}`).join(', ');
}

// A value that has the shape of the schema, to begin with.
function example(spec, schema, depth = 0) {
  schema = resolve(spec, schema);
  if (schema.default !== undefined) return schema.default;
  if (schema.examples && schema.examples.length) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (depth > 6) return null;
  const first = (schema.oneOf || schema.anyOf || schema.allOf || [])[0];
  if (first) return example(spec, first, depth + 1);
  switch ([].concat(schema.type)[0]) {
    case 'object': {
      const fields = Object.entries(schema.properties || {});
      return Object.fromEntries(fields.map(([name, field]) => [name, example(spec, field, depth + 1)]));
    }
    case 'array': return schema.items ? [example(spec, schema.items, depth + 1)] : [];
    case 'integer': case 'number': return schema.minimum || 0;
    case 'boolean': return false;
    case 'string': return '';
    default: return null;
  }
}

function fields(spec, schema, seen = []) {
  const resolved = resolve(spec, schema);
  if (resolved.type === 'array' && resolved.items) return fields(spec, resolved.items, seen);
  if (!resolved.properties || seen.includes(resolved)) return undefined;
  const required = resolved.required || [];
  const rows = Object.entries(resolved.properties).map(([name, field]) => {
    const inner = field.$ref || (field.items && field.items.$ref) ? fields(spec, field, [...seen, resolved]) : undefined;
    return element('tr', {},
      element('td', {}, element('code', {}, name), required.includes(name) ? '' : ' (optional)'),
      element('td', {}, element('code', {}, typeOf(spec, field)), ' ', constraints(resolve(spec, field))),
      element('td', {}, field.description || resolve(spec, field).description || '', inner));
  });
  return element('table', {}, element('tbody', {}, ...rows));
}

function parameters(spec, list) {
  const rows = list.map((parameter) => element('tr', {},
    element('td', {}, element('code', {}, parameter.name), ` in ${parameter.in}`, parameter.required ? '' : ' (optional)'),
    element('td', {}, element('code', {}, typeOf(spec, parameter.schema)), ' ', constraints(parameter.schema)),
    element('td', {}, parameter.description || '')));
  return element('table', {}, element('tbody', {}, ...rows));
}

function responses(spec, all) {
  const rows = Object.entries(all).map(([status, response]) => {
    response = resolve(spec, response);
    const contents = Object.entries(response.content || {}).map(([type, content]) => element('div', {},
      element('code', {}, `${type}: ${typeOf(spec, content.schema)}`),
      type === 'application/problem+json' ? undefined : fields(spec, content.schema)));
    return element('tr', {}, element('th', { scope: 'row' }, status), element('td', {}, response.description || '', ...contents));
  });
  return element('table', {}, element('tbody', {}, ...rows));
}

// A form that sends a request and shows the answer.
function tryOut(spec, path, method, operation, id) {
  const inputs = [];
  const input = (label, kind, attributes) => {
    const name = `${id}-${inputs.length}`;
    const node = element(kind, { id: name, ...attributes });
    inputs.push(node);
    return element('p', {}, element('label', { for: name }, label), node);
  };
  const form = element('form');
  const places = (operation.parameters || []).filter((it) => ['path', 'query', 'header'].includes(it.in));
  for (const parameter of places) {
    form.append(input(`${parameter.name} (${parameter.in})`, 'input', { 'data-in': parameter.in, 'data-name': parameter.name, required: parameter.in === 'path' }));
  }
  if (operation.security) form.append(input('Authorization', 'input', { 'data-in': 'header', 'data-name': 'authorization', placeholder: 'Bearer …', autocomplete: 'off' }));
  const [type, body] = Object.entries((operation.requestBody || {}).content || {})[0] || [];
  if (body) {
    const area = input(`Body (${type})`, 'textarea', { 'data-in': 'body' });
    area.querySelector('textarea').value = type.endsWith('json') ? JSON.stringify(example(spec, body.schema), null, 2) : '';
    form.append(area);
  }
  const answer = element('pre', { hidden: true, tabindex: '0', 'aria-live': 'polite' });
  form.append(element('button', {}, `Send ${method.toUpperCase()}`), answer);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    let url = path;
    const query = new URLSearchParams();
    const request = { method: method.toUpperCase(), headers: {} };
    for (const node of inputs) {
      const { in: place, name } = node.dataset;
      if (place === 'path') url = url.replace(`{${name}}`, encodeURIComponent(node.value));
      else if (place === 'body') { request.body = node.value; request.headers['content-type'] = type; }
      else if (!node.value) continue;
      else if (place === 'query') query.append(name, node.value);
      else request.headers[name] = node.value;
    }
    answer.hidden = false;
    answer.textContent = '…';
    try {
      const response = await fetch(query.size ? `${url}?${query}` : url, request);
      const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
      let text = await response.text();
      try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* it is no JSON */ }
      answer.textContent = `${response.status} ${response.statusText}\n${head}\n\n${text}`;
    } catch (error) {
      answer.textContent = String(error);
    }
  });
  return element('details', {}, element('summary', {}, 'Try it'), element('div', { class: 'body' }, form));
}

function operationOf(spec, path, method, operation) {
  const id = operation.operationId || `${method}${path}`;
  const roles = (operation.security || []).flatMap((it) => Object.values(it).flat());
  const title = element('summary', {},
    element('span', { class: `method ${method}` }, method.toUpperCase()),
    element('span', { class: 'path' }, path),
    operation.security ? element('span', { class: 'tag' }, ['secured', ...roles].join(' · ')) : undefined,
    element('span', { class: 'what' }, operation.summary || operation.operationId || ''));
  const body = element('div', { class: 'body' });
  if (operation.description) body.append(element('p', {}, operation.description));
  if (operation.parameters) body.append(element('h3', {}, 'Parameters'), parameters(spec, operation.parameters));
  for (const [type, content] of Object.entries((operation.requestBody || {}).content || {})) {
    body.append(element('h3', {}, 'Body'), element('code', {}, `${type}: ${typeOf(spec, content.schema)}`), fields(spec, content.schema) || '');
  }
  body.append(element('h3', {}, 'Responses'), responses(spec, operation.responses || {}), tryOut(spec, path, method, operation, id));
  const words = `${method} ${path} ${id} ${operation.summary || ''}`.toLowerCase();
  return element('details', { id, class: operation.deprecated ? 'deprecated' : undefined, 'data-words': words }, title, body);
}

function draw(spec) {
  document.title = `${spec.info.title} ${spec.info.version}`;
  document.getElementById('title').textContent = document.title;
  const groups = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((it) => item[it])) {
      const tag = (item[method].tags || ['other'])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationOf(spec, path, method, item[method]));
    }
  }
  const sections = [...groups].map(([tag, operations]) => element('section', {}, element('h2', {}, tag), ...operations));
  document.getElementById('operations').replaceChildren(...sections);
  document.getElementById('filter').addEventListener('input', (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const section of sections) {
      let shown = 0;
      for (const operation of section.querySelectorAll('details[data-words]')) {
        operation.hidden = !words.every((word) => operation.dataset.words.includes(word));
        shown += operation.hidden ? 0 : 1;
      }
      section.hidden = shown === 0;
    }
  });
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (linked && linked.tagName === 'DETAILS') { linked.open = true; linked.scrollIntoView(); }
}

fetch('/openapi.json').then((response) => response.json()).then(draw).catch((error) => {
  document.getElementById('operations').textContent = `openapi.json cannot be shown: ${error}`;
});
