// Drives a headless Chromium through the page that ws_server serves, as a person would: types, clicks, and reads what
// the page says. Over a pipe (--remote-debugging-pipe), so it needs node and chromium and nothing else.
//     node tests/ws_browser.js CHROMIUM URL SCENE...       prints what each scene has seen; exit code 1 at the first "no"
'use strict';
const {spawn} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const PATIENCE_MS = Number(process.env.BROWSER_MS || 20000); // for one step, on a busy machine
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'ws_browser.'));
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

// ---- The browser ----

class Browser {
  constructor(program) {
    const flags = ['--headless', '--remote-debugging-pipe', `--user-data-dir=${profile}`, '--no-first-run', '--disable-gpu',
      '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions'];
    if (process.getuid && process.getuid() === 0)
      flags.push('--no-sandbox'); // it refuses to run as root with one
    this.process = spawn(program, [...flags, 'about:blank'], {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true});
    this.waiting = new Map();
    this.next = 1;
    let text = '';
    this.process.stdio[4].setEncoding('utf8').on('data', data => {
      const messages = (text + data).split('\0');
      text = messages.pop();
      messages.forEach(message => this.hear(JSON.parse(message)));
    });
    this.process.on('exit', () => this.waiting.forEach(({reject}) => reject(new Error('the browser has ended'))));
  }

  hear({id, result, error}) {
    const {resolve, reject} = this.waiting.get(id) || {};
    this.waiting.delete(id);
    if (error && reject)
      reject(new Error(error.message));
    else if (resolve)
      resolve(result);
  }

  ask(method, params = {}, sessionId = undefined) {
    const id = this.next++;
    this.process.stdio[3].write(JSON.stringify({id, method, params, sessionId}) + '\0');
    return new Promise((resolve, reject) => this.waiting.set(id, {resolve, reject}));
  }

  async tab(url) {
    const {targetId} = await this.ask('Target.createTarget', {url});
    const {sessionId} = await this.ask('Target.attachToTarget', {targetId, flatten: true});
    const tab = new Tab(this, sessionId);
    await tab.until('the page is there', `location.href !== 'about:blank' && document.readyState === 'complete'`);
    return tab;
  }

  // It ends by itself if it can, and takes its processes along; else all of them are killed.
  async end() {
    this.ask('Browser.close').catch(() => {});
    for (let tries = 0; tries < 150 && this.process.exitCode === null; tries++)
      await pause(20);
    try {
      process.kill(-this.process.pid, 'SIGKILL'); // all of its processes, which are a group of their own
    } catch { /* it is gone */ }
    for (let tries = 0; tries < 100 && fs.existsSync(profile); tries++, await pause(20))
      try {
        fs.rmSync(profile, {recursive: true, force: true});
      } catch { /* a process of it still writes */ }
  }
}

class Tab {
  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
  }

  ask(method, params) { return this.browser.ask(method, params, this.session); }

  async run(expression) {
    const {result, exceptionDetails} = await this.ask('Runtime.evaluate', {expression, returnByValue: true, awaitPromise: true});
    if (exceptionDetails)
      throw new Error(exceptionDetails.exception.description);
    return result.value;
  }

  // Waits until an expression is true.
  async until(what, expression) {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(20))
      if (await this.run(`Boolean(${expression})`)) {
        console.log('yes:', what);
        return;
      }
    throw new Error(`no: ${what}\n    waited for: ${expression}\n    the page: ${await this.run('document.body.innerText')}`);
  }

  fill(id, value) { return this.run(`document.getElementById('${id}').value = ${JSON.stringify(String(value))}`); }

  // Clicks with the mouse, or presses a key, as Chromium would pass it on from a person.
  click(selector) { return this.run(`document.querySelector(${JSON.stringify(selector)}).click()`); }

  async press(id, key) {
    await this.run(`document.getElementById('${id}').focus()`);
    await this.ask('Input.dispatchKeyEvent', {type: 'keyDown', key, code: key, windowsVirtualKeyCode: 13, text: '\r'});
    await this.ask('Input.dispatchKeyEvent', {type: 'keyUp', key, code: key, windowsVirtualKeyCode: 13});
  }

  state(name) {
    return this.until(`readyState is ${name}`,
      `document.querySelector('#states [aria-current=true]').textContent.endsWith('${name}')`);
  }

  // Waits until the newest frames, the newest first, match these texts.
  frames(what, ...texts) {
    return this.until(what, `(() => {
      const frames = [...document.querySelectorAll('.frame')].map(frame => frame.textContent);
      return ${JSON.stringify(texts)}.every((text, i) => frames[i] && frames[i].includes(text));
    })()`);
  }

  async picture(file, width, height, dark) {
    await this.ask('Emulation.setDeviceMetricsOverride', {width, height, deviceScaleFactor: 1, mobile: width < 600});
    await this.ask('Emulation.setEmulatedMedia', {features: [{name: 'prefers-color-scheme', value: dark ? 'dark' : 'light'}]});
    const {data} = await this.ask('Page.captureScreenshot');
    fs.writeFileSync(file, Buffer.from(data, 'base64'));
  }
}

// ---- The scenes ----

const scenes = {
  async echo(browser, url) {
    const tab = await browser.tab(url);
    await tab.click('#connect button');
    await tab.state('OPEN');
    await tab.fill('text', 'hello');
    await tab.press('text', 'Enter');
    await tab.frames('a text comes back', '“hello” ✓ the same', '↑ sent: text, 5 bytes');
    await tab.fill('text', '吃饭了吗');
    await tab.click('#text-form button');
    await tab.frames('Chinese comes back', '“吃饭了吗” ✓ the same', '↑ sent: text, 12 bytes');
    await tab.frames('its bytes are shown', 'e5 90 83 e9 a5 ad e4 ba 86 e5 90 97');
    await tab.fill('text', '<b id=injected>x</b>');
    await tab.click('#text-form button');
    await tab.frames('HTML comes back', '“<b id=injected>x</b>” ✓ the same');
    await tab.until('and stays text', `!document.getElementById('injected')`);
    await tab.fill('count', 70000);
    await tab.click('#binary-form button');
    await tab.frames('70,000 bytes come back', '↓ received: binary, 70,000 bytes ✓ the same', '↑ sent: binary, 70,000 bytes');
    await tab.frames('their length is in 8 bytes', '1111111', '0000000100010001 01110000'.slice(8));
    await tab.until('bufferedAmount has been over 70,000, and is 0',
      `document.getElementById('highest').value.replace(',', '') >= 70000 && document.getElementById('buffered').value === '0'`);
    if (process.env.PICTURES)
      for (const [name, width, height] of [['phone', 390, 1800], ['desktop', 1280, 1500]])
        for (const dark of [false, true])
          await tab.picture(path.join(process.env.PICTURES, `${name}-${dark ? 'dark' : 'light'}.png`), width, height, dark);
    await tab.fill('code', 1002);
    await tab.click('#close-form button');
    await tab.until('a page must not close with 1002', `document.getElementById('alert').textContent.startsWith('Not closed')`);
    await tab.state('OPEN');
    await tab.fill('code', 4000);
    await tab.fill('reason', '再见');
    await tab.click('#close-form button');
    await tab.state('CLOSED');
    await tab.frames('the close comes back', '↓ received: close, 8 bytes 4000 再见', '↑ sent: close, 8 bytes 4000 再见');
    await tab.until('it was clean', `document.getElementById('status').textContent === 'Closed: code 4000, reason “再见”, cleanly.'`);
  },

  async big(browser, url) {
    const tab = await browser.tab(url);
    await tab.click('#connect button');
    await tab.state('OPEN');
    await tab.fill('count', 2000000);
    await tab.click('#binary-form button');
    await tab.state('CLOSED');
    await tab.until('a message over the limit is closed with 1009',
      `document.getElementById('status').textContent.startsWith('Closed: code 1009')`);
  },

  async chat(browser, url) {
    const tabs = [await browser.tab(url), await browser.tab(url)];
    for (const [i, name] of ['张三', 'lisi'].entries()) {
      await tabs[i].fill('name', name);
      await tabs[i].fill('room', 'kitchen');
      await tabs[i].click('#join');
      await tabs[0].until(`${name} joins`, `document.getElementById('log').textContent.includes('${name} joined')`);
    }
    await tabs[0].fill('say', '吃饭了吗');
    await tabs[0].press('say', 'Enter');
    await tabs[1].until('the other tab hears it', `document.getElementById('log').textContent.includes('张三: 吃饭了吗')`);
    await tabs[1].fill('say', '<i>not yet</i>');
    await tabs[1].click('#say-form button');
    await tabs[0].until('and answers', `document.getElementById('log').lastChild.textContent === 'lisi: <i>not yet</i>'`);
    await tabs[1].click('#join');
    await tabs[0].until('then it leaves', `document.getElementById('log').lastChild.textContent.includes('lisi left')`);
  },

  async handshake(browser, url) {
    const tab = await browser.tab(url), accept = text => `document.getElementById('accept').textContent === '${text}'`;
    await tab.until('the key of RFC 6455 gives its Accept', accept('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='));
    await tab.fill('key', 'x3JJHMbDL1EzLkh9GBhXDw==');
    await tab.run(`document.getElementById('key').dispatchEvent(new Event('input'))`);
    await tab.until('and another key another', accept('HSmrc0sMlYUkAGmm5OPpG2HaGWk='));
    await tab.click('#key-form button');
    await tab.until('a random key gives what the browser itself computes', `(async () => {
      const key = document.getElementById('key').value + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
      const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(key));
      return document.getElementById('accept').textContent === btoa(String.fromCharCode(...new Uint8Array(digest)));
    })()`);
  },

  async trouble(browser, url) {
    const tab = await browser.tab(url), host = new URL(url).host;
    const says = text => `document.getElementById('alert').textContent.includes(${JSON.stringify(text)})`;
    await tab.fill('url', `ws://${host}/nowhere`);
    await tab.click('#connect button');
    await tab.until('a refused handshake is explained', says(`curl -i http://${host}/nowhere`));
    await tab.fill('url', 'ftp://x/');
    await tab.click('#connect button');
    await tab.until('a URL that is none is explained', says('does not even try'));
    await tab.state('CLOSED');
    await tab.fill('url', `ws://${host}/echo`);
    await tab.click('#connect button');
    await tab.state('OPEN');
    await tab.until('and what was wrong is forgotten', `document.getElementById('alert').textContent === ''`);
  },

  // The same page from a file: it connects, or says what hinders it.
  async file(browser, url) {
    const page = path.join(__dirname, '..', '06-websocket-handshake', 'index.html');
    const tab = await browser.tab('file://' + page);
    await tab.fill('url', `ws://${new URL(url).host}/echo`);
    await tab.click('#connect button');
    await tab.until('it connects, or says that it came from a file',
      `document.getElementById('status').textContent.startsWith('Connected') ||
       document.getElementById('alert').textContent.includes('opened from a file')`);
    console.log('    status:', await tab.run(`document.getElementById('status').textContent`));
  },
};

async function main() {
  const [program, url, ...names] = process.argv.slice(2);
  const browser = new Browser(program);
  process.once('SIGTERM', () => browser.end().then(() => process.exit(1)));
  try {
    for (const name of names)
      await scenes[name](browser, url);
  } catch (error) {
    console.log(error.message);
    process.exitCode = 1;
  }
  await browser.end();
}

main();
